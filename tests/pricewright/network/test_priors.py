import torch

from pricewright.network.priors import PopulationMeans


def learned(skus: int, systematic: float) -> PopulationMeans:
    """The mean of effects of which each SKU's weeks say 2.0, with a precision of 1; before any data it is 1.0."""
    start = torch.tensor([1.0]).double()
    means = PopulationMeans.starting(start, torch.tensor([[0.36]]).double(), torch.tensor([systematic]).double())
    for _ in range(50):
        means.step(skus * (2.0 - means.theta), torch.tensor([[float(skus)]]).double(), 1.0)
    return means


def test_more_skus_determine_the_mean_they_share() -> None:
    few, many = learned(10, 0.0), learned(10_000, 0.0)
    assert float(many.covariance) < 0.01 * float(few.covariance)
    assert abs(float(many.theta) - 2.0) < 0.001


def test_what_all_skus_may_have_wrong_together_no_number_of_them_mends() -> None:
    few, many = learned(1_000, 0.09), learned(1_000_000, 0.09)
    assert float(many.covariance) > 0.9 * float(few.covariance) > 0.06
    assert float(many.theta) < 1.85  # the prior keeps its say
