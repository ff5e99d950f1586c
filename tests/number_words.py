"""Whole numbers below a hundred in words: the tests' own writer, apart from the reader it tests."""

words_of = str.split
ONES = words_of("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
                "seventeen eighteen nineteen")
TENS = words_of("twenty thirty forty fifty sixty seventy eighty ninety")
EINS = words_of("null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn "
                "sechzehn siebzehn achtzehn neunzehn")
ZIG = words_of("zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig")
UN = words_of("zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dix-sept "
              "dix-huit dix-neuf")
VINGT = words_of("vingt trente quarante cinquante soixante")
UNO = words_of("cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis "
               "diecisiete dieciocho diecinueve veinte veintiuno veintidós veintitrés veinticuatro veinticinco "
               "veintiséis veintisiete veintiocho veintinueve")
TREINTA = words_of("treinta cuarenta cincuenta sesenta setenta ochenta noventa")
HANZI = "零一二三四五六七八九"


def english(n: int) -> str:
    return ONES[n] if n < 20 else TENS[n // 10 - 2] + (f"-{ONES[n % 10]}" if n % 10 else "")


def german(n: int) -> str:
    if n < 20:
        return EINS[n]
    return (f"{'ein' if n % 10 == 1 else EINS[n % 10]}und" if n % 10 else "") + ZIG[n // 10 - 2]


def french(n: int) -> str:
    if n < 20:
        return UN[n]
    if n >= 80:
        return "quatre-vingts" if n == 80 else f"quatre-vingt-{UN[n - 80]}"
    ten, one = (VINGT[4], n - 60) if n >= 60 else (VINGT[n // 10 - 2], n % 10)
    return ten + ("" if not one else f" et {UN[one]}" if one in (1, 11) else f"-{UN[one]}")


def spanish(n: int) -> str:
    return UNO[n] if n < 30 else TREINTA[n // 10 - 3] + (f" y {UNO[n % 10]}" if n % 10 else "")


def chinese(n: int) -> str:
    if n < 10:
        return HANZI[n]
    return ("" if n < 20 else HANZI[n // 10]) + "十" + (HANZI[n % 10] if n % 10 else "")


WRITERS = (str, english, german, french, spanish, chinese)
