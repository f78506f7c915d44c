"""C++ and Python make the same images of the same hits, bit for bit, and give candidates the same status."""

import dataclasses
import json

import numpy as np
import pytest

from RecoE2E.ParticleViT.geometry import candidates as pictures
from RecoE2E.ParticleViT.geometry import cells
from RecoE2E.ParticleViT.geometry.candidates import Candidates
from RecoE2E.ParticleViT.geometry.description import ChannelSpec, Domain, ImageSpec
from RecoE2E.ParticleViT.geometry.event_files import HitEvent, write_events
from RecoE2E.ParticleViT.geometry.hits import BarrelHits, EndcapHits, TowerHits, Tracks
from RecoE2E.ParticleViT.geometry.pictures import barrel_images, ecal_image, tower_images, track_image
from RecoE2E.ParticleViT.geometry.windows import upsample_hbhe

CROPS = ImageSpec(
    channels=(ChannelSpec("energy", "GeV", "energy"), ChannelSpec("time", "ns", "time")),
    height=32,
    width=32,
    seed=(16, 16),
    tier="reduced",
    domain=Domain(pt=(10.0, None), abs_eta=(0.0, 1.44), seed_rows=(75, 204)),
)
JETS = ImageSpec(
    channels=(
        ChannelSpec("tracks", "GeV", "momentum"),
        ChannelSpec("ecal", "GeV", "energy"),
        ChannelSpec("hcal", "GeV", "energy"),
    ),
    height=125,
    width=125,
    seed=(62, 62),
    track_position="vertex",
    jet_seed="sum",
    domain=Domain(pt=(20.0, None)),
)
MIN_TRACK_PT, ENDCAP_SCALE = 0.7, 0.25


@pytest.fixture
def make_images(program, tmp_path):
    """Run makeImages on events; return images (N, C, H, W), status (candidates,) and its summary."""

    def make(image, events, *options, check=0):
        content = {"format_version": 2, "name": "test", "image": image.to_dict(), "classes": ["a", "b"]}
        (tmp_path / "model.json").write_text(json.dumps({**content, "input": "image", "output": "scores"}))
        write_events(tmp_path / "events.txt", events)
        names = [tmp_path / name for name in ("model.json", "events.txt", "images.npy", "status.npy")]
        done = program("makeImages", *names, *options, check=check)
        if check:
            return done.stderr
        return np.load(names[2]), np.load(names[3]), json.loads(done.stdout)

    return make


def crops_in_python(image, events):
    """Images and status of photons or electrons as the ingest makes them."""
    made = []
    for event in events:
        energy, time = barrel_images(event.barrel)
        found = [cells.eb_cells(*own.T) for own in event.crystals]
        seeds = [pictures.highest_crystal(energy, rows, columns) for rows, columns in found]
        layers = np.stack([energy if kind == "energy" else time for kind in image.kinds])
        made.append(pictures.crop_barrel(layers, event.candidates, seeds, image))
    return (np.concatenate([getattr(one, name) for one in made]) for name in ("images", "status"))


def jets_in_python(image, events, min_track_pt=0.5, endcap_scale=1.0):
    """Images and status of jets as the ingest makes them."""
    made = []
    for event in events:
        total, first = tower_images(event.towers)
        layers = {
            "tracks": track_image(event.tracks, min_track_pt),
            "ecal": ecal_image(barrel_images(event.barrel)[0], event.endcap, endcap_scale),
            "hcal": upsample_hbhe(total),
        }
        towers = first if image.jet_seed == "depth1" else total
        stacked = np.stack([layers[name] for name in image.names])
        made.append(pictures.crop_jets(stacked, event.candidates, towers, image))
    return (np.concatenate([getattr(one, name) for one in made]) for name in ("images", "status"))


def floats(random, count, bad=0.0):
    """Energies, a fifth of them not above 0; a share `bad` of them not finite."""
    values = random.exponential(3, count) * random.choice([1, 1, 1, 1, -1], count)
    values[random.random(count) < bad] = random.choice([np.nan, np.inf, -np.inf])
    return values.astype(np.float32)


def random_event(random, bad):
    """An event with many hits of the same cells, some of unknown crystals and towers."""
    barrel = BarrelHits(
        random.integers(-87, 88, 3000),
        random.integers(0, 363, 3000),
        floats(random, 3000, bad),
        floats(random, 3000, bad),
    )
    endcap = EndcapHits(
        random.choice([-1, 1], 800) * random.uniform(1.4, 3.1, 800),
        random.uniform(-np.pi, np.pi, 800),
        floats(random, 800, bad / 10),
    )
    towers = TowerHits(
        random.integers(-31, 32, 400),
        random.integers(0, 74, 400),
        random.integers(1, 4, 400),
        floats(random, 400, bad / 10),
    )
    tracks = Tracks(floats(random, 300), random.uniform(-3.2, 3.2, 300), random.uniform(-np.pi, np.pi, 300))
    count = 40
    candidates = Candidates(
        random.uniform(5, 60, count), random.uniform(-1.6, 1.6, count), random.uniform(-np.pi, np.pi, count)
    )
    crystals = []
    for eta in candidates.eta:
        near = np.array([np.clip(eta / 0.0174, -85, 85), random.integers(1, 361)])
        crystals.append((near + random.integers(-6, 7, (random.integers(0, 30), 2))).astype(np.int64))
    return HitEvent(candidates, crystals, barrel, endcap, towers, tracks)


@pytest.fixture(scope="module", params=[0.0, 0.001], ids=["finite", "not finite"])
def events(request):
    random = np.random.default_rng(int(1e4 * request.param))
    return [random_event(random, request.param) for _ in range(8)]


def test_crops_are_identical(make_images, events):
    images, status, summary = make_images(CROPS, events)
    expected, expected_status = crops_in_python(CROPS, events)
    np.testing.assert_array_equal(images, expected)
    np.testing.assert_array_equal(status, expected_status)
    assert {0, 1, 2, 3, 4} <= set(status.tolist())
    assert summary["images"] == len(images) == summary["status"]["0"]
    assert summary["candidates"] == 320
    assert summary["unknown_hits"] > 100


def test_crops_of_other_channels_and_seeds_are_identical(make_images, events):
    image = dataclasses.replace(CROPS, channels=CROPS.channels[1:], seed=(15, 15), domain=Domain())
    images, status, _ = make_images(image, events)
    expected, expected_status = crops_in_python(image, events)
    np.testing.assert_array_equal(images, expected)
    np.testing.assert_array_equal(status, expected_status)
    assert 5 in status


@pytest.mark.parametrize("jet_seed", ["sum", "depth1"])
def test_jets_are_identical(make_images, events, jet_seed):
    image = dataclasses.replace(JETS, jet_seed=jet_seed)
    images, status, _ = make_images(image, events, MIN_TRACK_PT, ENDCAP_SCALE)
    expected, expected_status = jets_in_python(image, events, MIN_TRACK_PT, ENDCAP_SCALE)
    np.testing.assert_array_equal(images, expected)
    np.testing.assert_array_equal(status, expected_status)
    assert {0, 1, 5} <= set(status.tolist())
    other = dataclasses.replace(image, channels=image.channels[::-2], seed=(2, 60), height=20)
    images, status, _ = make_images(other, events)
    np.testing.assert_array_equal(images, next(iter(jets_in_python(other, events))))


def test_values_that_are_not_finite_are_told(make_images):
    random = np.random.default_rng(0)
    events = [random_event(random, 0.02)]
    assert 6 in make_images(CROPS, events)[1]
    assert 6 in make_images(JETS, events)[1]


def test_events_without_candidates_or_hits_make_no_image(make_images):
    nobody = Candidates(*np.zeros((3, 0)))
    images, status, summary = make_images(CROPS, [HitEvent(nobody, [])])
    assert images.shape == (0, 2, 32, 32)
    assert status.shape == (0,)
    assert summary["events"] == 1
    one = Candidates(*np.array([[50.0], [0.1], [0.2]]))
    assert make_images(CROPS, [HitEvent(one, [np.array([[3, 4]])])])[1].tolist() == [3]
    assert make_images(JETS, [HitEvent(one)])[0].shape == (1, 3, 125, 125)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("barrel 1 2 3.0", "line 3: too few numbers"),
        ("barrel 1 2 3.0 4.0 5.0", "line 3: too many numbers"),
        ("barrel 1.5 2 3.0 4.0", "line 3: '1.5' is no number"),
        ("muon 1 2 3", "line 3: 'muon' is nothing that an event has"),
        ("candidate 1 2 3 4", "line 3: too few numbers"),
    ],
)
def test_a_torn_file_of_events_is_refused(program, tmp_path, make_images, line, message):
    make_images(CROPS, [])
    (tmp_path / "events.txt").write_text(f"particlevit events 1\nevent\n{line}\n")
    names = [tmp_path / name for name in ("model.json", "events.txt", "images.npy")]
    assert message in program("makeImages", *names, check=2).stderr
    (tmp_path / "events.txt").write_text("barrel 1 2 3 4\n")
    assert "does not begin with 'particlevit events 1'" in program("makeImages", *names, check=2).stderr
    (tmp_path / "events.txt").write_text("particlevit events 1\nbarrel 1 2 3 4\n")
    assert "line 2: no event has begun" in program("makeImages", *names, check=2).stderr


def test_images_that_hits_cannot_make_are_refused(make_images):
    image = dataclasses.replace(CROPS, channels=(ChannelSpec("energy", "MeV", "energy"),))
    assert "energy cannot be filled from these hits" in make_images(image, [], check=2)
    image = dataclasses.replace(JETS, track_position="ecal")
    assert "tracks are put where they point at the vertex" in make_images(image, [], check=2)
