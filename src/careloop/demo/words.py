"""Names, streets and sentences of people who do not exist."""

_FEMALE = (
    "Ana Ruth Dolores Keisha Mei Fatima Ingrid Rosa Margaret Yolanda Thuy Patricia Evelyn Naomi Grace Irene Beatriz "
    "Joanne Priya Helen Carmen Lucille Odette Wanda Shirley Amara Nadia Teresa Gloria Violet Edith Celeste Marisol "
    "Bernice Lien Sofia Dorothy Alma Claudette Renee"
)
_MALE = (
    "Walter James Hector Minh Samuel Otis Andre Viktor Luis Raymond Harold Jean Ahmed Earl Tomas Gerald Kwame Paul "
    "Ernesto Bao Clarence Dmitri Felix Marcus Leonard Rafael Stanley Curtis Joaquin Emmanuel Arthur Melvin Nikhil Roy "
    "Desmond Pierre Calvin Alvaro Bernard Theodore"
)
_FAMILY = (
    "Rivera Okafor Whitcomb Nguyen Haddad Lindqvist Morales Bennett Castellano Dubois Petrov Sullivan Mensah Takeda "
    "Fairbanks Ortega Pelletier Washington Kaplan Baptiste Ferreira Goldman Henley Ibarra Jefferson Kowalski Lacroix "
    "Maddox Novak Osborne Pham Quintero Rosario Stavros Tremblay Underhill Vargas Whitaker Yamada Zielinski Abbott "
    "Brightwater Calloway Delacruz Eastman Fontaine Greaves Holloway Inglis Joubert Kimball Lockhart Mercado Northrup "
    "Oyelaran Prescott Ramsey Sandoval Thibault Upton Valdez Winslow Yates Zamora Arsenault Belmont Carver Dorsey "
    "Ellsworth Figueroa Garrison Hawthorne Isaksen Janvier Keating Langley Mahoney Nakamura Olmstead Paquette Redmond "
    "Stoddard Toussaint Villanueva Wexler Ashworth Boudreau Cordero Drummond Espinoza Farrell Gallagher Huang Ivers"
)
_STREETS = (
    "Elm Street,Birch Lane,Canal Street,Mill Road,Harbor View,Orchard Avenue,Prospect Street,Cedar Terrace,"
    "Foundry Road,"
    "Willow Court,Depot Street,Ferry Lane,Granite Avenue,Hillside Road,Juniper Street,Lantern Way,Meadow Drive,"
    "North Quarry Road,Old Post Road,Pine Ridge"
)
FEMALE, MALE, FAMILY = tuple(_FEMALE.split()), tuple(_MALE.split()), tuple(_FAMILY.split())
STREETS = tuple(_STREETS.split(","))
TOWNS = (("Riverbend", "01199"), ("East Riverbend", "01198"), ("Millbrook Falls", "01197"), ("Harlow", "01196"),
         ("Stony Ferry", "01195"))  # fmt: skip
AREA_CODES = ("413", "617", "508", "781", "978", "603", "860", "203", "401", "802")
LANGUAGES = (
    ("en", "English", 74), ("es", "Spanish", 13), ("ht", "Haitian Creole", 4), ("vi", "Vietnamese", 4),
    ("pt", "Portuguese", 3), ("zh", "Chinese", 2),
)  # fmt: skip
GOALS = (
    "I want to walk to the corner store and back without stopping.",
    "I want to dance at my granddaughter's wedding in the spring.",
    "I don't want to go back to the hospital. That is all.",
    "Sleep through the night without waking up short of breath.",
    "Cook for my family again on Sundays.",
    "Keep driving. If I can't drive I can't see anybody.",
    "I want to get off some of these pills.",
    "Be able to work in my garden for an hour.",
    "Stay in my own house with my dog.",
    "Understand what each medicine is for.",
    "Get back to choir practice.",
    "Take the bus to see my sister by myself.",
)
NEEDS = (
    ("Z59.41", "Food insecurity", "Runs out of food before the end of the month"),
    ("Z59.82", "Transportation insecurity", "No ride to appointments"),
    ("Z60.2", "Problems related to living alone", "Lives alone, nobody checks in"),
    ("Z59.1", "Inadequate housing", "Stairs and no handrail; heating is unreliable"),
    ("Z59.86", "Financial insecurity", "Skips medicines to save money"),
    ("Z63.6", "Dependent relative needing care at home", "Cares for a spouse who cannot be left alone"),
)
RELATIONS = (("DAU", "daughter", "female"), ("SON", "son", "male"), ("SPS", "spouse", ""), ("SIS", "sister", "female"),
             ("BRO", "brother", "male"), ("FRND", "friend", ""))  # fmt: skip
ALLERGIES = (
    ("7980", "Penicillin G", "Hives"), ("10180", "Sulfamethoxazole", "Rash"), ("2670", "Codeine", "Nausea"),
    ("1191", "Aspirin", "Wheezing"), ("5640", "Ibuprofen", "Swelling of the face"),
)  # fmt: skip
BEST_TIMES = ("Mornings before 11", "After 4 pm", "Any time", "Noon to 2", "Not on Wednesdays")
HOSPITALS = (
    ("STMARY", "St. Mary Riverbend"),
    ("VALLEY", "Valley General"),
)
WARDS = ("4W", "5E", "3N", "MED2", "CARD", "ICU")
ATTENDINGS = (("9001", "SORENSEN", "IDA"), ("9002", "OKOYE", "BEN"), ("9003", "MARCHETTI", "LEO"))
