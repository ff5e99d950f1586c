"""What people say around a question, so that the model learns that it changes nothing."""

import random

from tools.words.language import is_german

OPENINGS = (
    "Hey, ", "Hi all, ", "Moin! ", "Morning. ", "Evening all, ", "hello hello, ", "Dear support team,\n\n",
    "Sorry to bother you: ",
    "Quick question: ", "Another thing, ", "In short: ", "Me again. ", "For my report: ",
    "Asking for the night shift: ",
    "Not sure I'm in the right place, but ", "The boss wants to know: ", "Just so I get this right: ", "ok so ",
    "I was told you know this. ", "Before I head home: ", "My first day here, please bear with me. ", "@oracle ")
OPENINGS_DE = (
    "Moin, ", "Grüß Gott, ", "Tag zusammen, ", "Sehr geehrte Damen und Herren,\n\n", "Kurze Frage: ",
    "Ich bin's wieder. ", "Der Chef will wissen: ", "Für den Bericht: ",
    "Entschuldigung für die Störung, ", "Ich bin neu hier, also: ", "so, ")
CLOSINGS = (
    " Ta!", " thx", " Much appreciated.", " Thank you so much", " Greetings from the depot", "\n\nBest,\nJ.", " pls",
    " Would be great to know.", " Over.", " I owe you a coffee!", " :)", " Just curious.", " cc the workshop",
    "\n--\nSent from my phone")
CLOSINGS_DE = (
    " Merci!", " Dankeschön", " Besten Dank im Voraus!", "\n\nMit freundlichen Grüßen\nM. Weber",
    " Gruß aus der Werkstatt",
    " bitte sehr", " Das wäre super.", " :)")
EARLIER = (
    ("hi", "Hello! What would you like to know about a battery?"),
    ("are you awake?", "I am here. What can I look up for you?"),
    ("test test", "I can read you. Ask me about a pack or a cell."),
    ("who built you?", "A small team of battery people. What would you like to know?"),
    ("It's freezing in the hall today!", "Then wrap up warm. What can I do for you?"),
    ("ok thanks for that", "You are welcome."), ("never mind all that", "All right. What would you like to know?"))
EARLIER_DE = (
    ("moin", "Moin! Was möchten Sie über eine Batterie wissen?"), ("Sind Sie da?", "Ja. Was kann ich nachsehen?"),
    ("Danke für vorhin", "Gern geschehen."), ("Vergiss die letzte Frage", "In Ordnung. Was möchten Sie wissen?"))


def around(messages: list[dict[str, str]], rng: random.Random) -> list[dict[str, str]]:
    """A conversation with something said before or after its last words, or with other blanks in them."""
    *before, last = messages
    text, german = last["content"], is_german(last["content"])
    kind = rng.randrange(5)
    if kind == 0 and not before:
        said, answered = rng.choice(EARLIER_DE if german else EARLIER)
        return [{"role": "user", "content": said}, {"role": "assistant", "content": answered}, last]
    if kind <= 1:
        text = rng.choice(OPENINGS_DE if german else OPENINGS) + text
    elif kind == 2:
        text += rng.choice(CLOSINGS_DE if german else CLOSINGS)
    elif kind == 3:
        text = rng.choice(("  ", "\n", " \n")) + text.replace(" ", "  ", rng.randrange(1, 4))
    else:
        text = text[:1].swapcase() + text[1:] + rng.choice((" ", "\n", "  "))
    return [*before, {**last, "content": text}]
