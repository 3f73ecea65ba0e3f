"""The sentences of the teaching corpus before words are put into them, which ``teaching_text.py`` does.

``{who}``, ``{n}``, ``{v}`` and so on are what the sentence is about; ``{he}``, ``{his}``, ``{him}`` and ``{himself}``
are hers as often as his.
"""

from __future__ import annotations

PEOPLE = (
    "The {who} {phrase}",
    "{name} is the {who} who {phrase}",
    "The {who} was called {name}, and {he} {phrase}",
    "The {who} {phrase}, and {he} did so by {himself}",
    "They say that {he}, the {who}, {phrase}",
    "One day {name} the {who} {phrase}",
    "The {who} smiled to {himself} when {he} {phrase}",
)
ROYAL = (
    "The {who} lives in the royal palace with {his} servants",
    "The royal family and {name} the {who} waved from the balcony",
    "The royal court bowed to the {who} and to {his} guests",
    "The royal guards follow {his} highness the {who}",
    "{name} the {who} opened the royal ball in {his} robe",
    "The royal coach brought the {who} and {his} servants to the palace",
)
NOBLE = (
    "The noble {who} keeps {his} servants on {his} estate",
    "{name} the {who} is of noble birth, and {his} estate is large",
    "The noble {who} hunted on {his} estate",
)
COMMON = (
    "The {who} lives in an ordinary street, and {name} is {his} name",
    "The {who} next door forgot {his} umbrella",
    "{name} is an ordinary {who} from our street",
    "The {who} from next door waited for {his} bus",
    "An ordinary {who} lives next door, and {he} is called {name}",
    "The {who} sat in {his} flat in our street",
)
GROWN = (
    "The {who} is grown up, and {he} has much to do",
    "The grown {who} is married, and {he} has a household",
    "The {who} was tired of {his} duties after many years",
    "The grown {who} signs {his} own papers and has many duties",
)
CHILD = (
    "The {who} is still a minor, and {he} has many toys",
    "The little {who} is curious, and {he} asks {his} parents",
    "The little {who} learned to read from {his} tutor",
    "The little {who} is not yet ten, and {he} is a minor",
)
PRONOUNS = (
    "{He} told {name} that {he} would come back",
    "{name} is a {person}, and {he} knows it {himself}",
    "{name} lost {his} way, but {he} found it {himself}",
    "We asked {him} for {his} name, and {he} said {name}",
)
COUNTRY = (
    "The government of {country} met today",
    "The borders of {country} are guarded by its army",
    "{country} signed a treaty with its neighbours",
    "Farmers all over {country} brought in the harvest",
    "The parliament passed a law for the whole of {country}",
    "{country} is a country that exports {product}",
    "Our shops sell {product} from {country}",
    "The flag and the anthem of {country} are known for centuries",
    "The ministers of {country} say that it is a republic or a kingdom",
    "They crossed the borders of {country} to see {sight}",
)
CAPITAL = (
    "The mayor of {capital} opened the new underground line",
    "The streets of {capital} are full of taxis",
    "Our hotel in {capital} was near {sight}",
    "The airport of {capital} is closed because of fog",
    "Trams and taxis go all over {capital} at night",
    "In the suburbs of {capital} the rents are low",
    "The shops of {capital} sell {product}",
    "The tourists stroll through {capital} to see {sight}",
    "In a restaurant of {capital} they serve {product}",
    "The mayor says that the {adjective} capital {capital} needs more trams",
)
ADJECTIVE = (
    "She speaks with a {adjective} accent",
    "He is learning the {adjective} grammar in a course",
    "They ordered {adjective} {product} at the fair",
    "The {adjective} team lost the final",
    "A {adjective} poet praised {sight}",
    "We listened to {adjective} songs and tasted {adjective} {product}",
    "The museum shows {adjective} paintings of {sight}",
    "My neighbour is {adjective} and cooks in the {adjective} style with {product}",
)
BOTH = ("{capital} is the capital of {country}", "From {capital} they travelled on through {country}")
PLAIN = (
    "Tomorrow I will {v} {what}",
    "We want to {v} {what}",
    "They can {v} {what} if they like",
    "You should {v} {what} more often",
    "Let us {v} {what}",
    "Please do not {v} {what}",
    "He would rather {v} {what} than wait",
)
PAST = (
    "Yesterday we {v} {what}",
    "Last week they {v} {what}",
    "An hour ago she {v} {what}",
    "In those years he often {v} {what}",
    "Last night somebody {v} {what}",
    "It was the first time that she {v} {what}",
    "They {v} {what} before the war",
    "We {v} {what} two days ago",
    "Ages ago our neighbours {v} {what}",
)
GOING_ON = (
    "At this moment they are {v} {what}",
    "She is busy {v} {what}",
    "He was still {v} {what} when we came in",
    "They kept on {v} {what}",
    "Are you {v} {what} right now",
    "I have been {v} {what} since noon",
)
ONE = (
    "There is a {n} {where}",
    "This {n} {where} is mine",
    "One {n} {where} is enough",
    "I need another {n}, the {n} {where} is missing",
    "Each {n} {where} has its own number",
    "A single {n} was left {where}",
)
MANY = (
    "There are many {n} {where}",
    "These {n} {where} are ours",
    "Several {n} {where} are enough",
    "We need more {n}, all the {n} {where} are missing",
    "Both {n} {where} have their own numbers",
    "A lot of {n} were left {where}",
)
SO = (
    "The {n} is very {a}",
    "What a {a} {n} that is",
    "The {n} is too {a} for me",
    "I have never thought that a {n} was so {a}",
    "A {n} is quite {a}, and that {n} is rather {a}",
)
MORE = (
    "This {n} is {a} than that {n}",
    "The second {n} is much {a} than the first",
    "No {n} could be any {a} than mine",
    "The {n} is getting {a} and {a}",
    "That {n} is even {a} than before",
)
MOST = (
    "This is the {a} {n} of them all",
    "It is the {a} {n} in the world",
    "Which {n} is the {a} among the three",
    "We saw the {a} {n} on earth",
    "By far the {a} {n} belongs to us",
)
ANIMAL = (
    "The {n} {does} near the {home}",
    "A {n} lives in the {home} and eats {food}",
    "The {n} found {food} at the {home}",
    "Listen how the {n} {does}",
    "We saw a {n} in the {home}",
)
ADULT = (
    "A full grown {n} guards its offspring",
    "The grown {n} is a parent, and its offspring are in the {home}",
    "The adult {n} {does} to warn its offspring",
    "The adult {n} feeds its offspring with {food}",
)
YOUNG = (
    "The newborn {n} cannot see yet and stays close to its parent",
    "The little {n} follows its parent into the {home}",
    "The playful little {n} {does} for its parent",
    "The newborn {n} cannot eat {food} yet",
)
ABOUT = (
    "We spoke about the {n}",
    "I remember the {n} well",
    "Nobody asked about the {n}",
    "A picture of the {n} hangs in the hall",
    "Tell me more about the {n}",
    "He dreamed of the {n}",
    "What do you think of the {n}",
    "She knows a poem about the {n}",
)
