"""The same question in other surroundings, for pass^k: what a person says around it must not change the call.

Hand-written, in the question's language; no digits, no number words, no tempo and nothing about batteries, so that
the right call stays what it was.
"""

import random
from collections.abc import Mapping, Sequence

from eval.languages import language_of

KINDS = ("small talk", "greeting", "thanks", "spacing", "preamble")
Messages = Sequence[Mapping[str, str]]

SMALL_TALK = {
    "en": (("Is it still raining where you are?", "I have no window to look out of, but I hope it clears up for you."),
           ("The coffee machine has broken down again.", "That is a pity. I hope somebody repairs it."),
           ("Did you see the match on television?", "I do not watch television. Was it a good match?"),
           ("My daughter drew a picture of our yard.", "How nice! I am sure she enjoyed drawing it.")),
    "de": (("Regnet es bei euch auch so?", "Ich habe kein Fenster, aber ich hoffe, es klart bei Ihnen auf."),
           ("Die Kantine hat schon wieder zu.", "Das ist schade. Hoffentlich macht sie bald wieder auf."),
           ("Haben Sie das Spiel gesehen?", "Ich sehe nicht fern. War es ein gutes Spiel?")),
    "fr": (("Il pleut encore chez vous ?", "Je n'ai pas de fenêtre, mais j'espère que le soleil revient."),
           ("La machine à café est en panne.", "C'est dommage, j'espère que quelqu'un la répare.")),
    "es": (("¿Sigue lloviendo por ahí?", "No tengo ventana, pero espero que mejore el tiempo."),
           ("La cafetera está rota otra vez.", "Qué pena, espero que la arreglen.")),
    "zh": (("你那边还在下雨吗？", "我没有窗户，希望天气会变好。"), ("咖啡机又坏了。", "真可惜，希望有人来修。"))}
GREETINGS = {
    "en": ("Hello! ", "Good morning, ", "Hi there, ", "Dear all, "),
    "de": ("Hallo! ", "Guten Morgen, ", "Servus, ", "Liebe Kollegen, "),
    "fr": ("Bonjour ! ", "Salut, "), "es": ("¡Hola! ", "Buenos días, "), "zh": ("你好！", "您好，")}
THANKS = {
    "en": (" Thanks!", " Many thanks.", "\n\nKind regards", " Cheers"),
    "de": (" Danke!", " Vielen Dank.", "\n\nViele Grüße"),
    "fr": (" Merci !", " Merci beaucoup."), "es": (" ¡Gracias!", " Muchas gracias."), "zh": (" 谢谢！", " 多谢。")}
PREAMBLES = {
    "en": ("I hope you can help me with this. ", "A colleague sent me to you. ", "If you would be so kind: "),
    "de": ("Ich hoffe, Sie können mir helfen. ", "Eine Kollegin schickt mich zu Ihnen. ", "Seien Sie so gut: "),
    "fr": ("J'espère que vous pourrez m'aider. ", "Si vous le voulez bien : "),
    "es": ("Espero que pueda ayudarme. ", "Si es tan amable: "), "zh": ("希望您能帮我。", "打扰一下，")}


def surrounded(messages: Messages, k: int, seed: str) -> list[tuple[str, list[dict[str, str]]]]:
    """`k` conversations with the same question, each (kinds of surroundings, messages); the same seed gives the same.

    The first five are of one kind each, in a drawn order; from the sixth on two kinds meet.
    """
    rng = random.Random(seed)
    order = rng.sample(KINDS, len(KINDS))
    found = []
    for i in range(k):
        kinds = [order[i % len(order)]] + ([rng.choice(order)] if i >= len(order) else [])
        changed = [dict(m) for m in messages]
        for kind in dict.fromkeys(kinds):
            changed = _around(changed, kind, rng)
        found.append((" + ".join(dict.fromkeys(kinds)), changed))
    return found


def _around(messages: list[dict[str, str]], kind: str, rng: random.Random) -> list[dict[str, str]]:
    *before, last = messages
    text = last["content"]
    language = language_of(" ".join(m["content"] for m in messages if m["role"] == "user"))
    if kind == "small talk":
        said, answered = rng.choice(SMALL_TALK[language])
        return [{"role": "user", "content": said}, {"role": "assistant", "content": answered}, *messages]
    if kind == "spacing":
        text = _respaced(text, rng)
    elif kind == "thanks":
        text = text.rstrip() + rng.choice(THANKS[language])
    else:
        text = rng.choice((GREETINGS if kind == "greeting" else PREAMBLES)[language]) + text
    return [*before, {**last, "content": text}]


def _respaced(text: str, rng: random.Random) -> str:
    """Blanks around and between the words, and the other case of the first letter where it means nothing."""
    first = text.split(maxsplit=1)[0] if text.split() else ""
    if first.isascii() and first.isalpha() and len(first) > 1 and first[1:].islower():
        text = text[0].swapcase() + text[1:]
    return rng.choice(("  {}", "{}\n", "\n{}  ", " {} ")).format(text.replace(". ", ".  "))
