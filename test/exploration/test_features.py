from __future__ import annotations

import numpy as np
from hypothesis import given

from RecoE2E.ParticleViT.exploration.features import cell_tables, image_features, occupancy
from RecoE2E.ParticleViT.store import ChannelSpec, Grid, ImageSpec, SparseImages


def direct(image, eta, phi):
    """Width and standard deviations of one energy image (H, W), straight from their definitions."""
    weight = image / image.sum()
    from_eta, from_phi = eta - (weight * eta).sum(), phi - (weight * phi).sum()
    return {
        "sum": image.sum(),
        "peak": image.max(),
        "multiplicity": (image != 0).sum(),
        "width": (weight * np.hypot(from_eta, from_phi)).sum(),
        "rms_eta": np.sqrt((weight * from_eta**2).sum()),
        "rms_phi": np.sqrt((weight * from_phi**2).sum()),
    }


def test_features_agree_with_their_definitions(event_strategy, spec):
    cells = cell_tables(spec())
    eta, phi = np.indices((3, 4)).astype(float)

    @given(event_strategy)
    def check(events):
        images, _, _ = events
        found = image_features(SparseImages.from_dense(images), cells)
        assert all(len(values) == len(images) for values in found.values())
        for k, image in enumerate(images[:, 0].astype(float)):
            if image.any():
                for name, value in direct(image, eta, phi).items():
                    np.testing.assert_allclose(found[name][k], value, rtol=1e-6, atol=1e-6, err_msg=name)
            else:
                assert np.isnan(found["width"][k])
                assert found["multiplicity"][k] == found["sum"][k] == 0

    check()


def test_occupancy_counts_non_zero_cells(event_strategy, spec):
    @given(event_strategy)
    def check(events):
        images = events[0]
        found = occupancy(SparseImages.from_dense(images), cell_tables(spec()), 2)
        np.testing.assert_array_equal(found, (images != 0).sum(axis=(2, 3)))

    check()


def test_the_mass_of_two_cells_is_that_of_two_massless_particles():
    pt = (ChannelSpec("pt", "GeV", "momentum"),)
    spec = ImageSpec(pt, 32, 32, (16, 16), Grid("eta_phi", 0.8, 0.8))
    image = np.zeros((1, 1, 32, 32), np.float32)
    image[0, 0, 4, 20], image[0, 0, 25, 9] = 30, 70
    found = image_features(SparseImages.from_dense(image), cell_tables(spec))
    eta, phi = (25 - 4) * 0.05, (20 - 9) * 0.05
    np.testing.assert_allclose(
        found["image_mass"], np.sqrt(2 * 30 * 70 * (np.cosh(eta) - np.cos(phi))), rtol=1e-6
    )


def test_a_channel_of_counts_gives_the_multiplicity():
    image = np.zeros((1, 2, 4, 4), np.float32)
    image[0, 0, 1, 1], image[0, 1, 1, 1] = 12.5, 7
    channels = ChannelSpec("pt", "GeV", "momentum"), ChannelSpec("multiplicity", "1", "count")
    cells = cell_tables(ImageSpec(channels, 4, 4, (2, 2)))
    assert image_features(SparseImages.from_dense(image), cells)["multiplicity"] == [7]
