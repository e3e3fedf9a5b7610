"""What every method takes of the settings and options that it is made with."""

from __future__ import annotations

import dataclasses

import pytest

from paretofair.errors import SpaceError
from paretofair.methods import METHODS, LossSettings
from paretofair.space.space import load_space
from tests.methods.test_contract import OPTIONS

OTHER = {"distance": "mmd", "goal": "odds", "hard": True, "bandwidth": 0.5, "reduction": "mean"}
NEEDED = [("label_flip", "group", "{flip: 0.1}"), ("adversarial_features", "penalised_group", "{penalty_weight: 1}")]


@pytest.mark.parametrize("setting", OTHER)
@pytest.mark.parametrize("name", METHODS)
def test_methods_differ_by_the_settings_that_they_read(name, setting):
    kind = METHODS[name]
    options = kind.Options(**OPTIONS.get(name, {}))
    one, other = (
        kind(settings, options)
        for settings in (LossSettings(), dataclasses.replace(LossSettings(), **{setting: OTHER[setting]}))
    )
    assert (one == other) == (setting not in kind.reads)
    if one == other:
        assert hash(one) == hash(other)
    if "reduction" not in kind.reads:
        assert one.settings.reduction == "mean"


@pytest.mark.parametrize(("name", "option", "parameters"), NEEDED)
def test_options_that_a_method_needs_are_asked_for(tmp_path, name, option, parameters):
    path = tmp_path / "space.yaml"
    path.write_text(f"""\
name: mine
data: {{name: lsac}}
parameters: {{learning_rate: 0.1, epochs: 2}}
methods:
  {name}: {{parameters: {parameters}}}
stages: {{sweep: {{trials: 3}}}}
""")
    with pytest.raises(SpaceError) as caught:
        load_space(path)
    assert str(caught.value) == f"{path}:5: methods.{name}.{option}: required, but not given"
    with pytest.raises(SpaceError, match=rf"methods.{name}.{option}: found 3; expected text"):
        load_space(path, [f"methods.{name}.{option}=3"])
    assert load_space(path, [f"methods.{name}.{option}=Male"]).method(name).options == {option: "Male"}


def test_every_parameter_of_a_method_of_ours_can_be_left_out():
    """A space file, or a call from Python, need not say what to draw it from."""
    for name, kind in METHODS.items():
        for each in kind.parameters:
            assert each.search is not None or each.default is not None or each.optional, (name, each.name)
