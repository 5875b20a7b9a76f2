"""Rules of a retailer: what prices may be, item by item and together; a plan that meets them and says what they cost.

The file is read in file.py; items.py says which items a rule is about; limits.py narrows the prices of one item,
between.py holds rules between items; plan.py makes the plan.
"""
