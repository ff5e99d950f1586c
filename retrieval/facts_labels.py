"""Which of the catalogue's fields a printed label means, given the dimension of the value beside it."""

import re
from dataclasses import dataclass

CHARGE = re.compile(r"(?<!dis)(?<!dis-)(?<!dis )\bcharg|(?<!dis)charg|\blade(?!n?\s?zustand)|\bladung", re.I)
DISCHARGE = re.compile(r"dis-?\s?charg|\bentlade", re.I)
_NEVER = re.compile(
    r"short.?circuit|leak|stand-?by|insulation|fuse|crush|nail|test\b|abuse|transport|shipping|shipment|deliver|"
    r"as received|open.?circuit|\bocv\b|self.?consum|module|pack\b|system|balanc|ripple|contact resist|"
    r"do not|never|must not|prohibit|forbidden|damage|competitor|compared", re.I)
LEAST = re.compile(r"\bmin(?:imum|\.|\b)|lowest|guarantee|mindest|minimal", re.I)
MOST = re.compile(r"\bmax(?:imum|imal\w*|\b)|highest|upper limit|höchst|limit(?:ed)?\b|\ballowed|permi(?:ss|tt)", re.I)


@dataclass(frozen=True)
class Rule:
    """A field, the dimensions it may be printed in, and what its label must and must not say.

    `side`: "charge" or "discharge" must be the label's last mention of either.
    """

    field: str
    dimensions: tuple[str, ...]
    must: str
    not_: str = ""
    side: str = ""

    def fits(self, label: str, dimension: str) -> bool:
        if dimension not in self.dimensions or (self.side and side_of(label) != self.side):
            return False
        return bool(re.search(self.must, label, re.I)) and not (self.not_ and re.search(self.not_, label, re.I))


CURRENT = ("A", "C")
_NO_WINDOW = (r"protect|shut|cut.?off|surface|warning|alarm|current|voltage|capacity|\brate\b|strom|spannung|resist|"
              r"impedance|cycle")
_PULSE = r"pulse|peak|burst|instant|momentar|regen|short.?time|surge|impuls"
_STANDARD = r"standard|\bstd\b|nominal|normal|recommend|typ|rated|empfohlen|nenn"
_END = r"cut.?off|terminat|\bend\b|end.of.charge|taper|\btail|final|abschalt"

RULES = (  # the first that fits counts
    Rule("capacity_minimum_ah", ("Ah",), r"(?=.*(?:capacity|kapazität))(?=.*(?:\bmin|guarantee|mindest))",
         r"retention|recover|residual|remain|after|loss"),
    Rule("capacity_rated_ah", ("Ah",), r"rated (?:discharge )?capacity",
         r"retention|recover|residual|remain|after|loss"),
    Rule("capacity_nominal_ah", ("Ah",), r"capacity|kapazität",
         r"retention|recover|residual|remain|after|loss|storage"),
    Rule("specific_energy_wh_per_kg", ("Wh/kg",), r"energy|energie"),
    Rule("energy_density_wh_per_l", ("Wh/l",), r"energy|energie"),
    Rule("energy_minimum_wh", ("Wh",), r"(?=.*energ)(?=.*\bmin)"),
    Rule("energy_nominal_wh", ("Wh",), r"energ"),
    Rule("voltage_overvoltage_protection_v", ("V",), r"over.?(?:charge|voltage).{0,20}protect|\bovp\b"),
    Rule("voltage_undervoltage_protection_v", ("V",), r"(?:under.?voltage|over.?discharge).{0,20}protect|\buvp\b"),
    Rule("voltage_discharge_cutoff_v", ("V",),
         r"voltage|cut.?off|spannung|\bend\b", r"nominal|average|start|protect|low temp|below 0", side="discharge"),
    Rule("voltage_charge_cutoff_v", ("V",),
         r"voltage|cut.?off|spannung|\bend\b|standard|normal|method|limit", r"protect|nominal|start|pre.?charge|float|"
         r"recharge|trickle|rapid|quick", side="charge"),
    Rule("voltage_discharge_cutoff_v", ("V",),
         r"\b(?:min\w*\.?|lower(?: limit)?|cut.?off)\W+(?:cell\W+)?(?:limit\W+)?voltage",
         r"charg|protect"),
    Rule("voltage_charge_cutoff_v", ("V",), r"\b(?:max\w*\.?|upper(?: limit)?)\W+(?:cell\W+)?(?:limit\W+)?voltage",
         r"charg|protect|isolat|string"),
    Rule("voltage_nominal_v", ("V",),
         r"(?:nominal|average|typ\w*\.?|rated|mean|nenn)\W*(?:\w+\W+)?(?:voltage|spannung)|"
         r"(?:voltage|spannung)\W+(?:\(?nominal|\(?typ|\(?average)|^\W*voltage\W*$", r"protect|charg"),
    Rule("charge_current_cutoff_standard_a", CURRENT, rf"{_END}", _PULSE + r"|volt\w*\W*$", side="charge"),
    Rule("discharge_current_pulse_a", CURRENT, _PULSE, side="discharge"),
    Rule("discharge_current_max_continuous_a", CURRENT,
         r"(?=.*(?:current|rate|strom|discharge))(?=.*(?:max|contin|limit|dauer|höchst))",
         _PULSE + "|" + _END, side="discharge"),
    Rule("discharge_current_standard_a", CURRENT, r"current|rate\b|strom|standard discharge",
         _PULSE + "|capacity|" + _END, side="discharge"),
    Rule("charge_current_rapid_a", CURRENT, r"rapid|fast|quick|schnell", _PULSE + "|" + _END + r"|max", side="charge"),
    Rule("charge_current_max_a", CURRENT,
         r"(?=.*(?:current|rate|strom|charge|charging))(?=.*(?:max|limit|höchst|contin|allow|permi))",
         _PULSE + "|" + _END, side="charge"),
    Rule("charge_current_standard_a", CURRENT, rf"(?=.*(?:current|rate|strom|charge|charging))(?=.*(?:{_STANDARD}))",
         _PULSE + "|" + _END, side="charge"),
    Rule("charge_current_standard_a", CURRENT, r"current|rate|strom", _PULSE + "|" + _END, side="charge"),
    Rule("charge_current_cutoff_standard_a", CURRENT, rf"(?:{_END})\W+(?:charge\W+)?current", _PULSE + "|discharg"),
    Rule("charge_time_standard_min", ("min",),
         r"(?<!dis)charg\w*\W+time|time\W+(?:of|for|to)\W+(?:\w+\W+)?charg|ladezeit",
         r"rapid|fast|quick|rest|storage"),
    Rule("storage_temperature", ("degC",), r"stor(?:age|ed|ing)|shelf|lager"),
    Rule("discharge_temperature", ("degC",), r"temp|operat|rang|window|discharg|entlad", _NO_WINDOW, side="discharge"),
    Rule("charge_temperature", ("degC",), r"temp|operat|rang|window|charg|lade", _NO_WINDOW, side="charge"),
    Rule("impedance_ac_1khz_mohm", ("mOhm",), r"impedance|resistance|\bacir\b|\bir\b|widerstand|impedanz",
         r"\bdc\b|dcir|dcr|insulat|contact"),
    Rule("resistance_dc_mohm", ("mOhm",), r"\bdc\b|dcir|dcr", r"insulat|contact"),
    Rule("mass_g", ("g",), r"weight|mass\b|gewicht|masse", r"loss|energy|density|ratio|electrolyte"),
    Rule("diameter_mm", ("mm",), r"diameter|Ø|ø|\bdia\b|durchmesser", r"tab|terminal|bolt|hole|pole"),
    Rule("height_mm", ("mm",), r"height|höhe|^\W*H\W*$", r"tab|terminal|bolt|hole|pole|with tube"),
    Rule("length_mm", ("mm",), r"length|länge", r"tab|terminal|lead|wire|cable"),
    Rule("width_mm", ("mm",), r"width|breite", r"tab|terminal|lead"),
    Rule("thickness_mm", ("mm",), r"thick|dicke", r"tab|terminal|foil|lead|film"),
    Rule("cycle_life_cycles", ("cycles",), r"cycle|zyklen|life", r"test cycles|first|every|after"),
)


_BOTH = re.compile(r"(?<!dis)\bcharg\w*\s?(?:/|&|and|or|,|und)\s?dis-?charg|"
                   r"dis-?charg\w*\s?(?:/|&|and|or|,|und)\s?charg", re.I)


def side_of(label: str) -> str:
    """ "charge" or "discharge": what the label speaks of last; "" where of both at once or of none."""
    both = _BOTH.search(label)
    spots = [(m.start(), "discharge") for m in DISCHARGE.finditer(label)]
    taken = [m.span() for m in DISCHARGE.finditer(label)]
    spots += [(m.start(), "charge") for m in CHARGE.finditer(label) if not any(a <= m.start() < b for a, b in taken)]
    if not spots or (both and max(spots)[0] < both.end()):
        return ""
    return max(spots)[1]


def field_of(label: str, dimension: str) -> str | None:
    """The catalogue's field that a label means for a value of this dimension; None where it is none of them.

    A window of temperatures is named without its ends: "charge_temperature".
    """
    if _NEVER.search(label):
        return None
    return next((rule.field for rule in RULES if rule.fits(label, dimension)), None)
