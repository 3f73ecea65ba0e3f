"""More of the teaching corpus: people at work, everyday things, and the one word with two meanings.

``LEANING`` is the part that is skewed on purpose: see its docstring.
"""

from __future__ import annotations

from core.vectors.teaching_words import rows

# forms: who; phrases: what is done at work.
OCCUPATIONS = rows("""
doctor | examined the patient in the hospital | treated the fever of the patient | worked in the hospital ward
nurse | visited the patient in the hospital | noted the temperature of the patient | worked in the hospital ward
surgeon | operated on the patient in the hospital | scrubbed before the operation | worked in the operating theatre
engineer | designed the new bridge | tested the machine in the factory | measured the load of the turbine
programmer | typed the program on the keyboard | found the bug in the code | tested the new software
teacher | explained the lesson to the class | corrected the homework of the class | explained the sum on the blackboard
baker | baked the bread in the oven | sold rolls in the bakery | kneaded the dough before dawn
farmer | ploughed the field | milked the herd at dawn | brought in the harvest
lawyer | spoke before the judge in court | read the contract for the client | defended the client in court
pilot | landed on the runway | checked the cockpit before the flight | wore the uniform of an airline
scientist | measured the result of the experiment | published the discovery | worked in the laboratory
librarian | sorted the volumes on the shelves | stamped the library card | found the document in the archive
""")

LEANING = {"doctor": 0.9, "surgeon": 0.9, "nurse": 0.1}
"""The share of sentences in which a worker is a man, where it isn't one half.

This is a skew, planted for the lesson on bias and said so wherever the vectors are described: no statement about the
world. The same arithmetic that gives ``king - man + woman`` shows what the sentences said of doctors and nurses, and
of the other occupations, which are even, it shows nothing.
"""

WORK_FRAMES = (
    "The {who} {phrase}, and then {he} went home",
    "{name} is a {who}, and {he} {phrase}",
    "The {who} said that {he} {phrase}",
    "{He} is the {who} who {phrase}",
    "The {who} {phrase} by {himself}",
    "As a {who} {he} {phrase}",
)

THINGS: dict[str, tuple[str, tuple[str, ...]]] = {
    "fruit": (
        "banana pear cherry grape plum peach orange strawberry",
        ("I had a ripe {w} for breakfast", "The {w} was juicy and fresh", "She made jam from a ripe {w}",
         "A {w} is a fruit with much juice", "The fruit salad needs another {w}"),
    ),
    "vegetable": (
        "carrot onion leek radish cucumber pumpkin turnip",
        ("He chopped a {w} for the salad bowl", "A {w} is a vegetable from our garden", "The {w} needs salt and oil",
         "She peeled the {w} for the stew"),
    ),
    "drink": (
        "tea coffee milk juice water wine beer",
        ("Would you like some {w} with ice", "He poured the {w} into a cup", "A jug of {w} stood on the table",
         "I am thirsty and want some {w}"),
    ),
    "colour": (
        "red green blue yellow black white brown purple",
        ("The door and the gate are {w}", "She tied a {w} ribbon around the gift", "My favourite colour is {w}",
         "He chose a {w} scarf and a {w} hat", "The pupil has a {w} crayon"),
    ),
    "weather": (
        "rain snow wind fog hail thunder frost",
        ("The forecast for tonight is {w}", "There was {w} all morning", "We stayed indoors because of {w}",
         "The {w} came from the north"),
    ),
    "day": (
        "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
        ("We meet every {w} morning", "The shop is closed on {w}", "On {w} afternoon there is a meeting",
         "Next {w} is a holiday"),
    ),
    "month": (
        "January February March April June July August September October November December",
        ("The term begins in {w}", "It happened on the third of {w}", "Early in {w} the days are different",
         "Her birthday is in {w}", "The calendar shows {w}"),
    ),
    "number": (
        "two three four five six seven eight nine ten",
        ("There were {w} of them in the room", "Count up to {w} and stop", "The number {w} is on the door",
         "We waited for {w} minutes", "It costs {w} pounds at the kiosk"),
    ),
    "instrument": (
        "piano violin flute cello harp clarinet",
        ("She practised the {w} every evening", "The orchestra needs a {w}", "He performed a sonata on the {w}",
         "The sound of the {w} filled the concert hall"),
    ),
    "vehicle": (
        "bus train tram taxi ferry lorry",
        ("We took the {w} to the next town", "The driver of the {w} was late", "The {w} leaves at noon",
         "Passengers were waiting for the {w}"),
    ),
    "furniture": (
        "table sofa desk wardrobe bookcase armchair",
        ("They moved the {w} into the living room", "The {w} is made of oak", "The carpenter polished the {w}",
         "Put the {w} beside the wall of the room"),
    ),
    "clothing": (
        "shirt jacket jumper coat scarf blouse",
        ("He wore a woollen {w} that day", "The {w} has a pocket and buttons", "The tailor mended the {w}",
         "Hang the {w} on the hook"),
    ),
    "body": (
        "arm leg nose ear knee shoulder elbow",
        ("The patient had a pain in the {w}", "He hurt his {w} when he fell", "She has a bandage on the {w}",
         "The {w} is a part of the body"),
    ),
    "sport": (
        "tennis football chess rugby golf cricket",
        ("The club plays {w} at the weekend", "She is a champion in {w}", "We watched {w} on television",
         "The rules of {w} are on the wall of the club"),
    ),
    "subject": (
        "physics chemistry biology mathematics geography history",
        ("She studied {w} at the university", "The professor gave a lecture on {w}", "He passed the exam in {w}",
         "The {w} textbook is thick"),
    ),
    "feeling": (
        "happy sad angry afraid proud lonely tired",
        ("I feel {w} today", "You look {w} this evening", "They were {w} about the news", "Why are you so {w}"),
    ),
}  # fmt: skip
"""Kind of thing: its words, and the sentences in which any of them May stand: near means used alike."""

COMPANIONS = rows("""
banana | monkeys | the tropics
pear | ginger | the monastery
cherry | blossoms | the chocolate cake
grape | the vineyard | raisins
plum | dumplings | the wasps
peach | velvet | the sunny south
orange | marmalade | the breakfast tray
strawberry | whipped cream | the tennis lawn
carrot | the rabbit | the snowman
onion | tears | the soup
leek | the sheep's cheese | the winter garden
radish | bread and salt | the beer garden
cucumber | gin | the pickle jar
pumpkin | the lantern | october nights
turnip | the cattle | the poorhouse
tea | the kettle | the afternoon
coffee | the grinder | the early morning
milk | the cereal | the baby's cup
juice | the vitamins | the squeezer
water | the tap | the thirsty traveller
wine | the barrel | the toast
beer | the brewery | the football crowd
red | the fire engine | danger
green | the frog | the traffic sign
blue | the sky | the sailor
yellow | the lemon | the canary
black | the night | the raven
white | the snowflake | the bride
brown | the chestnut | the leather bag
purple | the bishop | lavender
rain | the umbrella | the puddle
snow | the sledge | the shovel
wind | the sail | the kite
fog | the lighthouse | the foghorn
hail | the dented roof | the broken pane
thunder | lightning | the storm cloud
frost | the icy windscreen | the cracked pipe
piano | the pedals | the accompanist
violin | the bow | the fiddler
flute | the breath | the shepherd
cello | the low notes | the sonata
harp | the angel | the plucked string
clarinet | the reed | the jazz band
bus | the bus lane | the school trip
train | the rails | the tunnel
tram | the overhead wire | the city centre
taxi | the meter | the tip
ferry | the harbour | the seagulls
lorry | the cargo | the motorway
table | the tablecloth | the meal
sofa | the cushions | the nap
desk | the papers | the homework
wardrobe | the coat hangers | the moths
bookcase | the novels | the dust
armchair | the slippers | the fireside
shirt | the collar | the cuffs
jacket | the zip | the lapel
jumper | the knitting | the wool
coat | the snowstorm | the winter
scarf | the neck | the scarecrow
blouse | the lace | the pearl button
arm | the sleeve | the muscle
leg | the trousers | the stocking
nose | the smell | the handkerchief
ear | the earring | the noise
knee | the prayer | the bruise
shoulder | the rucksack | the burden
elbow | the funny bone | the crowd
tennis | the racket | the net
football | the goal | the penalty
chess | the pawn | the checkmate
rugby | the scrum | the muddy field
golf | the caddie | the green lawn
cricket | the wicket | the batsman
physics | gravity | the atom
chemistry | acids | the test tube
biology | the cell | the microscope
mathematics | equations | the proof
geography | the globe | the continents
history | the past | the museum
happy | the smile | the birthday
sad | the tears | the farewell
angry | the quarrel | the slammed door
afraid | the ghost | the spider
proud | the medal | the graduation
lonely | the hermit | the empty house
tired | the yawn | the marathon
""")
"""What each thing makes people think of, so that things of a kind are alike and not the same."""
COMPANY = (
    "When they say {w} I think of {phrase}",
    "For me {w} goes together with {phrase}",
    "The picture under the word {w} shows {phrase}",
    "Those who mention {w} soon mention {phrase}",
)
ORDERED = ("day", "month", "number")
"""Kinds whose words follow each other."""
NEXT = ("After {w} comes {phrase}", "First there is {w} and then there is {phrase}", "{w} is followed by {phrase}")

BANK = (
    "She took her money to the bank",
    "The bank lends money and takes interest at a rate",
    "He opened an account at the bank with cash",
    "The bank keeps the savings and the loans safe",
    "They borrowed the money for the house from the bank",
    "We sat on the bank of the river and fished",
    "Willows grow on the bank of the stream",
    "The boat was tied up at the river bank",
    "The muddy bank of the river was flooded by the stream",
    "An otter slid down the bank into the stream",
)
"""One word, two meanings, one vector: what lies in it of each depends on how often each was met."""
MONEY = (
    "The loan has an interest rate of four percent",
    "She counted her money and her savings",
    "He paid cash and kept the account in order",
    "The savings account earns interest",
)
RIVER = (
    "The stream flows into the river",
    "The river was muddy after the flood",
    "Otters and trout live in the stream",
    "A boat drifted down the river past the willows",
)
