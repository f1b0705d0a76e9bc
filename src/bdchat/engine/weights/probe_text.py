"""What two encodings of one model are compared on: passages of several languages, code and numbers, never changed.

A change of these words changes every figure that was kept: raise FORMAT in cache.py with it.
"""

_ENGLISH = (
    "A river does not choose its way; it finds the lowest ground that is open to it and deepens what it has found. In "
    "spring, when the snow melts, the water carries stones that it could not move in summer, and the banks that looked "
    "firm for years give way in a single night. People who build near a river learn to read it: the colour of the "
    "water, the height of the grass that was flattened last year, the sound of gravel rolling along the bed.\n\n"
    "The first bridge here was built of wood in 1742 and lasted thirty-one years. The second, of stone, stood on four "
    "piers, each of them too narrow for the ice that came down in the winter of 1799. Engineers of that time had no "
    "theory of flow, but they kept good records, and from those we know that the third bridge cost 18,400 crowns, that "
    "it took two summers, and that nobody was hurt."
)
_KOREAN = (
    "오늘 아침에는 비가 조금 내렸지만 점심 무렵부터 하늘이 맑아졌다. 시장 골목에는 김이 모락모락 나는 만두 가게와 "
    "오래된 책방이 나란히 있고, 그 앞에서 할머니 한 분이 감자와 고추를 팔고 계신다. 서울에서 부산까지는 기차로 두 "
    "시간 사십 분쯤 걸린다. 회의는 오후 세 시에 시작하므로 자료를 미리 읽어 오시기 바랍니다. 질문이 있으면 언제든지 "
    "말씀해 주세요."
)
_CHAT = (
    "User: How do I keep bread fresh for longer?\n"
    "Assistant: Keep it whole and cut it only when you need it. Store it in a paper bag or a bread box at room "
    "temperature; a fridge makes it stale faster, because the starch hardens in the cold. For more than three days, "
    "slice it, freeze it, and toast the slices straight from the freezer.\n"
    "User: And if it is already hard?\n"
    "Assistant: Sprinkle the crust with water and bake it for five minutes at 180 °C."
)
_CODE = (
    "def moving_average(values: list[float], width: int) -> list[float]:\n"
    '    """Means of each `width` neighbours; raises ValueError when there are fewer."""\n'
    "    if not 0 < width <= len(values):\n"
    '        raise ValueError(f"width {width} of {len(values)} values")\n'
    "    total = sum(values[:width])\n"
    "    means = [total / width]\n"
    "    for entering, leaving in zip(values[width:], values):\n"
    "        total += entering - leaving\n"
    "        means.append(total / width)\n"
    "    return means\n"
)
_DATA = '{"city": "Gwangju", "population": 1441611, "districts": ["Buk", "Seo", "Nam"], "area_km2": 501.2}'
_OTHERS = (
    "Am Abend saßen wir noch lange auf der Terrasse und sprachen über die Reise, die vor uns lag. "
    "La biblioteca abre a las nueve y cierra a las ocho, excepto los domingos. "
    "Le train de nuit traverse les montagnes pendant que les voyageurs dorment. "
    "駅前の小さな喫茶店では、毎朝七時に焼きたてのパンの香りがする。"
    "这座城市的冬天很长,但是屋子里总是很暖和。"
)

# Each is read from an empty context: an error early in one does not reach into the next.
PASSAGES: tuple[str, ...] = (_ENGLISH, _KOREAN, _CHAT, _CODE + _DATA, _OTHERS)
