"""Tasks for measuring guesses: passages to be quoted, code to be edited, questions to be answered. Pure text.

Every prompt of the first two shows its task once, so that a small model does it, too.
"""

QUOTE = """Text:
{example}

The same text again:
{example}

Text:
{passage}

The same text again:
"""
EDIT = """Code:
{example}

The code with {old} renamed to {new}:
{example_edited}

Code:
{passage}

The code with {old} renamed to {new}:
"""
EXAMPLE = "The ferry leaves at noon. It carries mail, bread and two goats."
PASSAGES = (
    "The lighthouse keeper, Tobias Wren, had kept a ledger since 1871. On the first page he noted wind, "
    "tide and the names of passing ships: the Marigold, the Saint Orla, a Dutch barque without a flag. On"
    " the second page he drew a fox that came each night to the kitchen door and took a herring from his "
    "hand. He never wrote why he stayed. The last entry says only that the lamp was lit at nine, that the"
    " fog had come in from the north, and that the fox was late.",
    "Clause 14. The tenant shall give notice in writing, addressed to the office in Harrow Lane, not "
    "later than the ninth day of the month. Clause 15. Where the roof, the gutters or the cellar door "
    "need repair, the landlord shall be told within five days, and shall send a mason, a plumber or a "
    "carpenter within twenty. Clause 16. The garden, the well and the pear tree are shared with the mill;"
    " nobody may cut, sell or move them without the consent of both houses.",
    "Mix 340 grams of rye flour with 210 grams of spelt, add a spoon of salt, two of honey and a cup of "
    "warm buttermilk. Knead until the dough no longer clings to the bowl, cover it with a damp towel and "
    "leave it beside the oven for three hours. Fold in walnuts, dried plums and a little orange peel. "
    "Bake at 230 degrees for ten minutes, then at 190 for thirty-five, and let the loaf cool on a rack "
    "before you cut it, however good it smells.",
    "Station log: at 04:10 pump three stopped with error 77-B, valve pressure 6.2 bar. At 04:25 the night"
    " engineer, Ines Calder, opened bypass K9 and drained the lower tank. At 05:02 the spare impeller, "
    "part 118-204-X, was fitted; torque 45 newton metres. At 05:40 pump three ran again at 1,450 turns a "
    "minute. Water loss 312 litres, no damage to the turbine hall. Next check at 11:00 by the day crew, "
    "who shall also replace the seal of pump two.",
)  # fmt: skip
EXAMPLE_CODE = "def add(count, value):\n    count = count + value\n    return count"
CODE = (
    "def parse_header(data, count):\n"
    "    lines = data.split(b'\\r\\n')\n"
    "    fields = {}\n"
    "    for line in lines[1:]:\n"
    "        name, _, value = line.partition(b':')\n"
    "        fields[name.strip().lower()] = value.strip()\n"
    "        count += 1\n"
    "    if b'host' not in fields:\n"
    "        raise ValueError('no host')\n"
    "    return fields, count",
    "class Basket:\n"
    "    def __init__(self, owner):\n"
    "        self.owner = owner\n"
    "        self.items = []\n"
    "\n"
    "    def add(self, item, count):\n"
    "        for _ in range(count):\n"
    "            self.items.append(item)\n"
    "        return len(self.items)\n"
    "\n"
    "    def total(self, prices):\n"
    "        return sum(prices[item] for item in self.items)",
    "def moving_average(values, width):\n"
    "    window, total, count = [], 0.0, 0\n"
    "    for value in values:\n"
    "        window.append(value)\n"
    "        total += value\n"
    "        count += 1\n"
    "        if len(window) > width:\n"
    "            total -= window.pop(0)\n"
    "        yield total / len(window)\n"
    "    print('seen', count)",
    "async def fetch_all(session, urls, limit):\n"
    "    semaphore = asyncio.Semaphore(limit)\n"
    "    count = 0\n"
    "    async def one(url):\n"
    "        nonlocal count\n"
    "        async with semaphore:\n"
    "            async with session.get(url) as response:\n"
    "                count += 1\n"
    "                return await response.text()\n"
    "    return await asyncio.gather(*(one(url) for url in urls))",
)  # fmt: skip
QUESTIONS = (
    "Why is the sky blue? Explain it to a child.",
    "Write a short story about a fox, a river and a lost key.",
    "What should I look at when I buy a used bicycle?",
    "Tell me how bread is made, and why it rises.",
)
CHAT = "<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n"


def prompts_of(task: str) -> list[str]:
    """Four of "quote", "edit" or "chat"; a passage to be quoted is followed by another, so that its answer is long."""
    if task == "quote":
        pairs = zip(PASSAGES, (*PASSAGES[1:], PASSAGES[0]), strict=True)
        return [QUOTE.format(example=EXAMPLE, passage=" ".join(pair)) for pair in pairs]
    if task == "edit":
        pairs = zip(CODE, (*CODE[1:], CODE[0]), strict=True)
        edited = EXAMPLE_CODE.replace("count", "number")
        return [
            EDIT.format(
                example=EXAMPLE_CODE, example_edited=edited, passage="\n\n".join(pair), old="count", new="number"
            )
            for pair in pairs
        ]
    return [CHAT.format(question=question) for question in QUESTIONS]
