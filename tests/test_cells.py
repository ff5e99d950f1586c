"""The catalogue's facts and the resolver of cell names."""

import pytest

from tools.cells import find_cell, load_catalogue
from tools.errors import CannotAnswer

# Wrong values found in public automatically extracted tables; the right ones are the makers'.
EXTRACTION_ERRORS = [
    ("LG M50LT", "impedance_ac_1khz_mohm", 15, 6.0), ("LG M50LT", "mass_g", 67.5, 1.0),
    ("Samsung 30Q", "voltage_charge_cutoff_v", 4.2, 8.2),
    ("Samsung 30Q", "discharge_current_max_continuous_a", 15, 1.8),
    ("Samsung 35E", "discharge_current_max_continuous_a", 8, 13.0), ("EVE LF280K", "mass_g", 5420, 200),
    ("EVE LF105", "mass_g", 1980, 50), ("Kokam 7.5Ah", "capacity_nominal_ah", 7.5, 0.15625),
]


def test_every_cell_resolves_by_each_of_its_names_alone():
    assert len(load_catalogue()) == 32
    for cell in load_catalogue():
        for name in (cell.id, cell.name, cell.model, f"{cell.manufacturer} {cell.model}", *cell.aliases):
            assert find_cell(name) == cell
            assert find_cell(f"  {name.upper().replace('-', ' ')} ") == cell


@pytest.mark.parametrize("written, name", [
    ("lg m50lt", "LG M50LT"), ("LG-M50-LT", "LG M50LT"), ("LG Chem INR21700 M50T", "LG M50T"), ("m50", "LG M50"),
    ("Sony VTC6", "Murata VTC6"), ("catl 280 ah", "CATL 280Ah"), ("A123 ANR26650M1-B", "A123 26650"),
    ("Kokam 7.5 Ah", "Kokam 7.5Ah"), ("kokam 7,5ah", "Kokam 7.5Ah"), ("UMich NMC532 pouch cell", "UMich NMC532 pouch"),
])
def test_names_as_people_write_them(written, name):
    assert find_cell(written).name == name


@pytest.mark.parametrize("written, named", [
    ("LG 50E", "Samsung 50E"), ("LG M50L", "LG M50LT"), ("A123", "A123 AMP20"), ("280Ah", "EVE LF280K"),
    ("Toshiba SCiB", "Toshiba SCiB 23Ah"), ("CATL", "CATL 302Ah"), ("INR21700", "LG M50T"), ("A123 18650", "A123"),
])
def test_wrong_and_ambiguous_names_are_refused_with_the_nearest(written, named):
    with pytest.raises(CannotAnswer, match=named) as error:
        find_cell(written)
    assert str(error.value).endswith(".") and "\n" not in str(error.value)


@pytest.mark.parametrize("name, field, right, wrong", EXTRACTION_ERRORS)
def test_known_extraction_errors_are_not_in_the_catalogue(name, field, right, wrong):
    assert find_cell(name).facts[field] == right != wrong


def test_datasheet_facts_keep_their_conditions_and_sources():
    cell = find_cell("LG M50LT")  # LG 2021-LSD-MBD-b00002
    assert cell.facts["document"]["number"] == "2021-LSD-MBD-b00002"
    bands = [(band.temp_min_c, band.temp_max_c, band.current_max_a) for band in cell.charge_derating]
    assert bands == [(0, 25, 1.44), (25, 45, 3.36)]
    assert cell.qualifiers["charge_current_max_a"] == "only 25 to 45 degC"
    assert "2021-LSD-MBD-b00002" in cell.source_of("charge_current_max_a")
    assert all(c.source and c.source[0]["ref"] for c in load_catalogue())
