"""Prompts of a wanted length, distinct for each seed. Pure but for `Shape.measure`, which asks the server.

Words are common English ones, a token each in the usual vocabularies; what they and the chat template really cost is
measured through the server's own usage, so that no tokenizer is needed here.
"""

import random
from dataclasses import dataclass

from .client import Client

WORDS = tuple(
    """
about above across after again against almost along already also always among another answer anything around away back
became because become before began behind being below best better between beyond black blood blue board body book both
bring brother brought build building built business call called came cannot capital care carried carry case cause
center central certain change child children choose church city class clear close cold color come coming common
community company complete condition consider control could council country couple course court cover create cross
current daughter dead deal death decided deep develop development did difference different difficult direct direction
distance doctor does doing done door down drive during each early earth east easy eight either else end energy enough
entire even evening ever every everything evidence example experience face fact fall family far father feel felt few
field fifth figure filled final find fire first five floor follow following food force foreign form former forward
found four free friend from front full further future game garden gave general getting girl give given glass going
gone good government great green ground group growth half hand hard have head hear heard heart heavy held help here
high himself history hold home horse hospital hot hotel hour house however human hundred husband idea image important
include increase indeed industry influence information inside instead interest into island issue itself join keep kept
kind king knew know knowledge known land language large last late later lead leader learn least leave left less letter
level life light like line list little live local long longer look looking lost love lower made main major make making
manner many market material matter maybe mean meaning means measure medical meet member method middle might mile
military mind minute miss modern moment money month more morning most mother move movement much music must name nation
national natural nature near nearly need never next night nine north nothing number object offer office often once
only open opening opinion order other outside over paid paper part particular party pass past patient pattern peace
people perhaps period person picture piece place plan play point police political poor position possible power present
president press pressure private problem process produce product production program property provide public purpose
question quite rather reach read real reason received recent record remain report required research result return right
river road room round rule same school science season second section seem seen sense service seven several shall short
should show side similar simple since single small social society some something sometimes soon sort sound south space
special stage stand start state station step still stock stood stop story street strong student study subject success
such sudden summer support sure surface system table take taken talk tell temperature term than their them theory there
these thing think third this those though thought thousand three through time today together took total toward town
trade training tree trouble true trying turn type under union unit until upon used using usual value various very view
village voice volume wait walk wall want water week weight well went were west what when where which while white whole
whose why wide wife will window winter wish with within without woman word work world would write written wrong year
young your
""".split()  # noqa: SIM905  # one name a line would be 500 lines
)


def words(rng: random.Random, num_words: int) -> str:
    return " ".join(rng.choices(WORDS, k=num_words))


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def system(text: str) -> dict[str, str]:
    return {"role": "system", "content": text}


def assistant(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


@dataclass(frozen=True, slots=True)
class Shape:
    """What a model's template and words cost: num_tokens = num_template_tokens + num_words * tokens_per_word."""

    num_template_tokens: float
    tokens_per_word: float

    @classmethod
    async def measure(cls, client: Client, rng: random.Random) -> "Shape":
        """Two short completions, which also warm the server up."""
        counts = []
        for num_words in (32, 96):
            usage = await client.usage([user(words(rng, num_words))], max_tokens=8)
            counts.append(usage.prompt_tokens or 0)
        slope = (counts[1] - counts[0]) / 64
        return cls(counts[0] - 32 * slope, slope)

    def num_words(self, num_tokens: int, *, with_template: bool = True) -> int:
        template = self.num_template_tokens if with_template else 0
        return max(1, round((num_tokens - template) / max(self.tokens_per_word, 0.1)))
