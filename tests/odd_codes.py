"""Stock codes that shops have, and that URLs, keys or files could mistake for something else."""

ODD = (
    "85123A", "A/B", "A B", " A", "A ", "A:B", "A%B", "A%41", "AA", "A%2FB", "A%252FB", "50%", "é", "É", "A@B", "A@B@C",
    "@A", "A@", "A\\B", "A+B", "A?B", "A#B", "A&B=C", "A'B", 'A"B', "A,B", "A;B", "A*", "A[B]", "A{B}", "A~B", "A|B",
    "A/", "/A", "A//B", "..A", "...", "-5", "=1+1", "<b>", "日本-1", "🍋", "👩‍🚀", "nan", "null", "X" * 200,
)  # fmt: skip
