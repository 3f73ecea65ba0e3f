"""The words of the teaching corpus, as tables: what belongs together, and in whose company each word is met.

A line holds the forms of one word, then what is said of it, the same for all of its forms; the sentences around
them are in ``teaching_text.py``. What is said of countries, animals and things is true, though simple. The rest is made
up.
"""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """The forms of one word, and the phrases that are said of each of them."""

    forms: tuple[str, ...]
    phrases: tuple[str, ...]


def rows(table: str) -> tuple[Row, ...]:
    """Reads a table.

    >>> rows("cat kitten | purrs | on the sofa")
    (Row(forms=('cat', 'kitten'), phrases=('purrs', 'on the sofa')),)
    """
    lines = [line.split("|") for line in table.strip().splitlines()]
    return tuple(Row(tuple(line[0].split()), tuple(phrase.strip() for phrase in line[1:])) for line in lines)


MALE_NAMES = ("John", "James", "Peter", "Arthur", "Henry", "Thomas", "Paul", "Daniel", "Simon", "Oscar", "Hugo")
FEMALE_NAMES = ("Mary", "Anna", "Clara", "Emma", "Julia", "Alice", "Helen", "Laura", "Susan", "Nora", "Ida")

# {he}, {his}, {himself} follow the person.
ROYALS = rows("""
king queen | ruled the kingdom from {his} throne | wore {his} golden crown | spoke to the guards of {his} kingdom
prince princess | was the heir to the throne | sat on {his} white pony | lived with {his} royal parents in the castle
""")

NOBLES = rows("""
duke duchess | owned the land of the duchy | gave a ball for {his} guests | collected the taxes of {his} duchy
emperor empress | led {his} great army | received the ambassadors | made the laws of the vast empire
baron baroness | lived in {his} manor | collected the rents of {his} tenants | hunted with {his} hounds
""")

COMMONERS = rows("""
man woman | read {his} newspaper on the train | carried {his} umbrella to the office | paid for {his} lunch in town
boy girl | went to school with a satchel | did {his} homework after school | collected marbles in the school yard
""")

FAMILY = rows("""
father mother | prepared the family supper | paid the school fees | told a story in the evening
son daughter | stayed with {his} parents at home | slept in the house of {his} parents | asked for pocket money
brother sister | shared a room with {his} twin | quarrelled about the toys | borrowed a coat from {his} twin
uncle aunt | came with birthday presents | spoke about {his} travels | sent a parcel for the holidays
nephew niece | spent the summer with {his} relatives | thanked for the parcel | sent a postcard to {his} relatives
grandfather grandmother | leaned on a stick | remembered {his} youth | fell asleep by the fire
husband wife | said yes at {his} wedding | wore a wedding ring | celebrated the anniversary
grandson granddaughter | listened to fairy tales | visited {his} grandparents | helped {his} grandparents
widower widow | mourned at the funeral | lived alone after the funeral | laid a wreath on the grave
""")

OTHERS = rows("""
actor actress | took a part on the stage | learned {his} lines from the script | bowed behind the curtain
waiter waitress | brought the menu to the table | carried the plates | noted the order of the customers
hero heroine | saved the village from the dragon | was brave in the battle | is praised in the legend
monk nun | prayed in the chapel | lived in the abbey | rang the bell of the abbey
wizard witch | cast a magic spell | brewed a magic potion | vanished into the forest by magic
""")

# forms: country, capital, its adjective; phrases: a river or a sight of the capital, then two things it is known for.
COUNTRIES = rows("""
france paris french | the Seine | wine | cheese
germany berlin german | the Spree | beer | machines
italy rome italian | the Tiber | pasta | marble
spain madrid spanish | the Prado | oranges | ham
portugal lisbon portuguese | the Tagus | cork | sardines
greece athens greek | the Acropolis | olives | honey
russia moscow russian | the Kremlin | ballet | furs
china beijing chinese | the Great Wall | porcelain | tea
japan tokyo japanese | the imperial palace | sushi | robots
egypt cairo egyptian | the Nile | cotton | papyrus
england london english | the Thames | roses | biscuits
ireland dublin irish | the Liffey | butter | whiskey
sweden stockholm swedish | the archipelago | matches | meatballs
norway oslo norwegian | the fjord | salmon | skis
finland helsinki finnish | the cathedral | saunas | paper
denmark copenhagen danish | the mermaid | windmills | bacon
poland warsaw polish | the Vistula | amber | dumplings
austria vienna austrian | the opera | waltzes | strudel
hungary budapest hungarian | the Danube | paprika | goulash
turkey ankara turkish | the citadel | carpets | hazelnuts
canada ottawa canadian | the Rideau | maple syrup | hockey
cuba havana cuban | the Malecon | cigars | rum
peru lima peruvian | the Rimac | quinoa | alpaca wool
kenya nairobi kenyan | the savanna | coffee | runners
thailand bangkok thai | the golden temple | rice | orchids
vietnam hanoi vietnamese | the Red River | noodles | pepper
iran tehran iranian | the bazaar | saffron | pistachios
iraq baghdad iraqi | the Tigris | dates | petroleum
""")

# forms: plain, past, -ing; phrases: what or where.
VERBS = rows("""
walk walked walking | along the path | through the park | to the bus stop
talk talked talking | about the weather | with the neighbours | on the telephone
play played playing | a game of cards | with the wooden toys | a game of marbles
cook cooked cooking | the soup | a meal in the kitchen | the vegetables in a pot
paint painted painting | the fence | a portrait in oil | the wall with a brush
dance danced dancing | a waltz | in the ballroom | to the music of the band
sing sang singing | a song | in the choir | a merry tune
swim swam swimming | in the lake | across the pool | under the water
run ran running | a race | around the track | for the medal
write wrote writing | a diary | with a pen | a novel at the desk
eat ate eating | a sandwich | the whole cake | with a fork
drink drank drinking | a glass of lemonade | from a mug | a cup of cocoa
sleep slept sleeping | in the bed | under a blanket | on a pillow
buy bought buying | the groceries | some bargains at the market | a ticket with cash
build built building | a chimney of bricks | a bridge of stone | a shed with planks
drive drove driving | the truck | on the highway | a bus with forty passengers
fly flew flying | the aeroplane | above the clouds | a kite in the wind
teach taught teaching | the pupils | a lesson | in the classroom
draw drew drawing | a circle | with a pencil | a map on paper
climb climbed climbing | the mountain | up the ladder | to the summit
clean cleaned cleaning | the floor | the dusty shelf | with a broom
wash washed washing | the shirts | with soap | the dirty dishes
jump jumped jumping | over the puddle | on the trampoline | across the ditch
laugh laughed laughing | at the joke | about the clown | at the funny film
throw threw throwing | the ball | a stone into the pond | the spear at the target
catch caught catching | a fish | a butterfly | the thief
break broke breaking | the window | a vase | the plate
grow grew growing | tomatoes | beans | a vine in the greenhouse
dig dug digging | a hole | a tunnel | in the sand with a spade
steal stole stealing | the jewels | a purse | from the safe
ride rode riding | the bicycle | in the saddle | a camel in the desert
win won winning | the match | a prize | the lottery
sew sewed sewing | a button | the hem with a needle | a quilt
repair repaired repairing | the engine | the leaking pipe | a puncture with glue
""")

# forms: singular, plural; phrases: where they are.
NOUNS = rows("""
car cars | in the garage | with a flat tyre | at the petrol station
book books | in the library | with a torn cover | with many pages
house houses | with a red roof | behind the hedge | at the end of the lane
tree trees | in the forest | with thick bark | beside the brook
flower flowers | in the vase | with white petals | in the meadow
apple apples | in the orchard | full of worms | for the cider
child children | in the playground | with a balloon | at the birthday party
tooth teeth | of the dentist's patient | with a large cavity | on the x-ray
foot feet | in wet socks | with sore toes | on the pedals
mouse mice | behind the skirting board | near the trap | with a piece of cheese
chair chairs | around the dining table | with a cushion | in the waiting room
key keys | for the front door | on the ring | under the doormat
ship ships | in the harbour | with masts and sails | on the ocean
star stars | in the night sky | near the moon | in the telescope
city cities | on the map | with a subway | of a million inhabitants
baby babies | in the cradle | with a rattle | in the maternity ward
knife knives | in the drawer | with a sharp blade | beside the spoon
leaf leaves | on the branch | of the oak | in the gutter
coin coins | in the purse | of pure silver | in the fountain
letter letters | in the mailbox | with a stamp | in the envelope
bird birds | in the nest | with yellow feathers | on the telephone wire
watch watches | on the wrist | with a broken spring | from the jeweller
potato potatoes | in the cellar | for the stew | with butter and salt
shoe shoes | in the cupboard | with worn laces | from the cobbler
guitar guitars | in the music shop | with six strings | on the concert stage
island islands | in the lagoon | with palm trees | of the pirates
egg eggs | in the carton | for the omelette | in the frying pan
box boxes | in the attic | full of photographs | made of cardboard
candle candles | on the birthday cake | with a flickering flame | in the chapel window
bottle bottles | on the shelf | with a cork | of mineral water
soldier soldiers | in the barracks | with a rifle | on parade
computer computers | in the laboratory | with a large screen | in the computing centre
""")

# forms: plain, comparative, superlative; phrases: what can be so.
ADJECTIVES = rows("""
big bigger biggest | elephant | stadium | whale
small smaller smallest | ant | pebble | cottage
tall taller tallest | giraffe | skyscraper | lighthouse
short shorter shortest | paragraph | nap | skirt
fast faster fastest | rocket | racing driver | cheetah
slow slower slowest | snail | turtle | tractor
old older oldest | ruin | fossil | antique clock
young younger youngest | student | sapling | recruit
hot hotter hottest | oven | stove | volcano
cold colder coldest | winter | glacier | freezer
warm warmer warmest | sweater | spring day | blanket
long longer longest | river | rope | tunnel
strong stronger strongest | wrestler | ox | steel cable
weak weaker weakest | signal | excuse | battery
rich richer richest | banker | merchant | landowner
poor poorer poorest | beggar | orphan | peasant
high higher highest | tower | cliff | mountain peak
deep deeper deepest | well | mine | ocean trench
loud louder loudest | trumpet | siren | drum
quiet quieter quietest | library | chapel | cemetery
bright brighter brightest | lamp | sun | diamond
dark darker darkest | cave | cellar | dungeon
heavy heavier heaviest | anvil | suitcase | boulder
light lighter lightest | feather | balloon | paper plane
cheap cheaper cheapest | souvenir | bargain | paperback
hard harder hardest | rock | exam | riddle
soft softer softest | pillow | cushion | wool
sweet sweeter sweetest | honey | candy | syrup
good better best | idea | recipe | plan
bad worse worst | mistake | storm | headache
""")

# forms: grown, young; phrases: what it does, where it lives, what it eats.
ANIMALS = rows("""
dog puppy | barks | kennel | bones
cat kitten | purrs | basket | tuna
cow calf | moos | cowshed | clover
sheep lamb | bleats | fold | grass
horse foal | neighs | stable | oats
pig piglet | grunts | sty | acorns
hen chick | clucks | henhouse | corn
duck duckling | quacks | pond | duckweed
goose gosling | honks | farmyard | barley
swan cygnet | hisses | lake | reeds
lion cub | roars | savanna | zebras
deer fawn | leaps | woodland | twigs
kangaroo joey | hops | outback | shrubs
frog tadpole | splashes | swamp | algae
owl owlet | hoots | hollow oak | voles
eagle eaglet | screeches | eyrie | rabbits
seal pup | dives | icy shore | herring
hare leveret | sprints | stubble field | cabbage
""")
