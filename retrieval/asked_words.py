"""The words of questions about cells, English and German: what each says, and those that no field covers."""

# Words by what they say; a pattern matches a whole word unless it ends or begins with "*".
WORDS: dict[str, str] = {
    "charge": "charge charges charged charging recharge recharged recharging lade* *ladestrom* laden geladen ladung "
              "aufladen aufgeladen",
    "discharge": "discharge discharges discharged discharging drain draw drawn deliver delivers delivering load loaded "
                 "loading supply output pull entlade* entladen entladung entnehmen liefern abgeben belasten belastet "
                 "belastbar",
    "storage": "store stored storing storage warehouse shelf keep kept lager* lagern gelagert lagerung",
    "operation": "operate operated operates operating operation use used usable work works ambient betrieb* betreiben",
    "current": "current currents amp amps ampere amperes amperage milliamp milliamps milliampere ma strom *strom "
               "*stroms stromstarke *stromstarke ampacity rate rates c-rate c-rates crate laderate",
    "voltage": "voltage voltages volt volts millivolt millivolts mv spannung *spannung",
    "capacity": "capacity capacities mah milliamp-hours amp-hours kapazitat *kapazitat",
    "energy": "energy energies kwh watt-hours watthours energie energieinhalt *energie",
    "temperature": "temperature temperatures temp temps ambient celsius fahrenheit degrees temperatur* *temperatur "
                   "*temperaturen",
    "hot": "hot hotter hottest warm warmer warmest heiss warm warmste heat-limit",
    "cold": "low cold colder coldest cool freezing frost kalt kalter kalteste frieren",
    "cycles": "cycle cycles cycling rounds lifetime lifespan durability endurance zyklen* zyklus* zyklenzahl "
              "lebensdauer *lebensdauer haltbarkeit",
    "mass": "mass weight weigh weighs weighing heavy heavier kilograms kilogram kilos grams gram kg ounces oz pounds "
            "masse gewicht wiegt wiegen schwer gramm kilogramm",
    "diameter": "diameter diameters durchmesser",
    "height": "height tall hohe",
    "high": "high hoch",
    "length": "length lange",
    "long": "long lang",
    "width": "width wide broad breit breite",
    "thickness": "thickness thick deep depth dick dicke",
    "size": "dimension dimensions size sizes measurements measure abmessung* masse-abmessung grosse",
    "resistance": "resistance resistances impedance impedances acir dcir esr milliohm milliohms mohm ohm ohms microohm "
                  "innenwiderstand widerstand *widerstand impedanz",
    "altitude": "altitude elevation sea-level meereshohe hohenlage",
    "self": "self-discharge selfdischarge selbstentladung* selbstentladerate",
    "time": "time duration seconds minutes hours sekunden dauer dauert *dauer zeit *zeit stunden minuten",
    "format": "format *format form shape geometry housing bauform formfaktor bauart pouch prismatic cylindrical round "
              "rundzelle",
    "chemistry": "chemistry chemistries chemical zellchemie chemie nmc ncm nca lfp lto lifepo4",
    "cathode": "cathode cathodes kathode kathodenmaterial positive",
    "anode": "anode anodes anodenmaterial negative",
    "maker": "manufacturer makes made maker manufactures hersteller herstellt",
    "max": "max maximum maximal maximale maximaler maximales maximalen most highest largest greatest peak upper top "
           "limit hochste hochster hochstes hochstens grosste obere",
    "min": "min minimum minimal minimale minimaler lowest least smallest lower below guaranteed guarantee mindest* "
           "kleinste niedrigste tiefste untere garantiert* garantierte mindestens",
    "nominal": "nominal nenn nenns* nennk* nennl* nennw* nennener* average typical typ",
    "rated": "rated rating bemessung*",
    "standard": "standard normal normally usual usually everyday regular recommended default standart* standard* "
                "normale ublich ublicher empfohlen* empfohlener",
    "rapid": "rapid fast quick quickly boost schnell* schnell",
    "how_long": "how-long wie-lange",
    "fast": "how-fast how-quickly how-hard wie-schnell",
    "cutoff": "cutoff cut-off cut termination terminate terminates taper tapers tapering tail end ends stop "
              "abschalt* abschaltstrom endstrom *endstrom *schlussstrom ladeende",
    "full": "full fully top-of-charge voll vollgeladen",
    "empty": "empty leer flat depleted exhausted",
    "pulse": "pulse pulses pulsed burst bursts peak puls* impuls* spitzen* spitzenstrom kurzzeitig*",
    "continuous": "continuous continuously sustained constantly permanently permanent dauer* dauerhaft",
    "protection": "protection protect protective trip schutz* *schutz",
    "over": "over overvoltage over-voltage overcharge overcharging uberspannung* uberlade* uberladeschutz",
    "under": "under undervoltage under-voltage deep-discharge overdischarge over-discharge unterspannung* "
             "tiefentlade* tiefentladeschutz",
    "per_kg": "kilogram kilogramme kg gravimetric gravimetrisch* specific spezifisch*",
    "per_litre": "litre liter litres liters volumetric volumetrisch* density *dichte",
    "range": "range ranges window windows limits bereich *bereich fenster *fenster grenzen *grenzen",
    "derating": "derating derate derates derated band bands",
    "temp_cut": "temp-cut",
    "disputed": "disagree disagrees disagreement contradict contradiction contradicts conflict conflicts conflicting "
                "widersprechen widerspruch disputed",
    "dc": "dc dcir gleichstrom*",
    "ac": "ac acir 1khz khz 1-khz wechselstrom*",
}

# Parts of German compounds.
PARTS = (("selbstentlad", "self"), ("entlade", "discharge"), ("lade", "charge"), ("lager", "storage"),
          ("strom", "current"), ("spannung", "voltage"), ("kapazit", "capacity"), ("temperatur", "temperature"),
          ("schluss", "cutoff"), ("nenn", "nominal"), ("mindest", "min"), ("maximal", "max"), ("hochst", "max"),
          ("dauer", "continuous"), ("puls", "pulse"), ("spitzen", "pulse"), ("schnell", "rapid"),
          ("standard", "standard"), ("energie", "energy"), ("dichte", "per_litre"), ("zeit", "time"),
          ("zyklen", "cycles"), ("widerstand", "resistance"), ("gewicht", "mass"))

# Matters that no field of the catalogue covers; a passage that is to answer must say these words itself.
_OTHER = """
    price prices cost costs cheap expensive euro euros dollar dollars preis kosten teuer buy buying supplier shop moq
    colour color colours wrap sleeve farbe label marking logo barcode qr country countries origin factory herkunft
    manufactured produziert hergestellt produced invented inventor ceo headquarters founded warranty 
    garantie gewahrleistung certificate certificates certification certified ul un iec ce rohs reach msds sds
    zertifikat shipping ship transport air airfreight customs tariff un38 hazard packaging carton tray torque
    tightening screw screws bolt bolts terminal terminals tab tabs weld welding welded busbar spot thread
    anzugsdrehmoment drehmoment conductivity thermal heat entropy entropic runaway ignition flash fire vent venting
    explosion gas gases gassing toxic nail penetration crush drop vibration shock impact abuse overheating
    electrolyte elektrolyt solvent salt separator binder porosity particle particles coating foil
    collector cobalt nickel manganese iron recycling recycled recyclable co2 footprint passport
     humidity moisture waterproof ip67 ip noise acoustic swelling swell expansion pressure force clamp
    efficiency coulombic calendar calendaric diffusion exchange ocv curve hysteresis firmware software balancing
    leakage short-circuit shortcircuit insulation inductance capacitance permittivity viscosity stiffness modulus
     volume area emissivity optical smell memory effect availability delivery lead-time 
    recovery recoverable salary weather world cup football fussball wm moon president capital population recipe bread
    gewonnen
    ptc cid fuse serial patent license inflation
    soc steel copper aluminium aluminum wire wires
    electrode electrodes order quantity sold casing wall jelly roll sei tortuosity gasket insulator resistivity cte
    stiff wrapper lead rohs stock voc user manual emf age aged ageing"""
OTHER = frozenset(_OTHER.split())

# Not slips of the finger for a word above.
_NO_SLIPS = """
    share shares site sites side sides supplied change changes changed changing
    charger large little model models where there which cheap"""
NO_SLIPS = frozenset(_NO_SLIPS.split())

IDIOMS = ( # phrases whose words alone say something else -> words that say it
    (r"\btemp(?:erature)?[ -]cut(?:[ -]?off)?\b", " temp-cut current "),
    (r"\b(?:which|who) is right\b|\bwer hat recht\b", " disagree "),
    (r"\bcapacity (?:fade|fading|retention|loss|degradation)\b|\bend of life\b|\beol\b", " cycles "),
    (r"\b(?:lose|loses|loss|losing|verliert)\b.{0,40}\b(?:per|a|pro|im) mon\w+|\bcharge\b.{0,20}\blose\b",
     " self-discharge "),
    (r"\bself[ -]?dischar\w*|\bby itself\b|\bvon selbst\b|\bon its own\b", " self-discharge "),
    (r"\bhow (?:fast|quick|quickly|hard)\b", " how-fast "), (r"\bwie (?:schnell|stark)\b", " wie-schnell "),
    (r"\bdeep[ -]dischar\w*", " deep-discharge "), (r"\bover[ -]dischar\w*", " over-discharge "),
    (r"\bover[ -]?volt\w*", " overvoltage voltage "), (r"\bunder[ -]?volt\w*", " undervoltage voltage "),
    (r"\b(?:up to|bis zu) (?:what|which|welche[rmn]?)\b", " max "), (r"\bdown to (?:what|which)\b", " min "),
    (r"\bstate[ -]of[ -]charge\b|\bladezustand\b", " soc "),
    (r"\bsea level\b", " altitude "), (r"\bcut[ -]?off\b", " cutoff "), (r"\bform factor\b", " format "),
    (r"\bshort[ -]circuit\b", " short-circuit "), (r"\blead time\b", " lead-time "),
    (r"\bend to end\b", " length "), (r"\bnegative electrode|\bnegative elektrode", " anode "),
    (r"\bpositive electrode|\bpositive elektrode", " cathode "),
    (r"\b(?:amp(?:ere)?|milliamp)[ -]hours?\b", " capacity "), (r"\bwatt[ -]?hours?\b", " energy "),
    (r"\bwh ?(?:/|per|pro|je) ?kg\b|\bper kilo\w*", " specific energy "),
    (r"\bwh ?(?:/|per|pro|je) ?l(?:it\w*)?\b|\bper lit\w+", " volumetric energy "), (r"\bwh\b", " energy "),
    (r"\bpro kg\b", " specific energy "),
    (r"\ball the time\b|\bnon[ -]?stop\b", " continuous "), (r"\b(?:few|several) seconds\b", " pulse "),
    (r"\bconstant[ -](?:voltage|current)(?: phase)?\b|\bcv(?: phase)?\b|\bcc\b", " "),
    (r"\b(?:charge|energy|how much).{0,30}\b(?:can|does) (?:it )?hold\b|\bhold (?:a )?charge\b|"
     r"\bhow big is the charge\b", " capacity "),
    (r"\bhow many (?:charges|times)\b", " cycles "),
    (r"\bhow long\b.{0,30}\blast\b|\bhow long.*\bsurvive\b", " cycles "),
    (r"\bwie lange\b.{0,30}\bhalt\b", " cycles "),
    (r"\bhow long\b", " how-long long "), (r"\bwie lange\b", " wie-lange lang "),
)
