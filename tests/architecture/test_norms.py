from tests.architecture.norms import FUNCTION_MEDIAN, MODULE_MEDIAN, medians, violations
from tests.architecture.places import ROOT


def test_no_module_or_function_breaks_a_norm():
    assert violations(ROOT) == []


def test_typical_module_and_function_stay_small(record_property):
    module, function = medians(ROOT)
    record_property("median_module_lines", module)
    record_property("median_function_lines", function)
    assert module <= MODULE_MEDIAN
    assert function <= FUNCTION_MEDIAN
