"""The console command `pricewright`."""
