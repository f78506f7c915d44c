"""The Catch2 tests of interface/, built with the address and undefined behaviour sanitizers."""


def test_unit_tests_pass_with_sanitizers(program):
    assert "All tests passed" in program("testParticleViT").stdout
