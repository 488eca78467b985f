"""What made-up patients live with: problems, medicines and results that belong together.

Codes are SNOMED CT, ICD-10-CM, RxNorm and LOINC identifiers of the named concepts, as facts; ranges are ordinary
adult values bent by the problem. Nothing here is used for a decision about anybody.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A condition in two code systems."""

    snomed: str
    icd10: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Medicine:
    """A medicine as RxNorm names it, with how it is taken."""

    rxnorm: str
    name: str
    dosage: str


@dataclass(frozen=True, kw_only=True)
class Story:
    """One kind of life. `weight` is how many of a hundred live it; `admitted_for` is (ICD-10-CM, words);
    `service` is PV1-10; `low`/`high` bend a laboratory value (LOINC code to range)."""

    key: str
    weight: int
    ages: tuple[int, int]
    problems: tuple[Problem, ...]
    medicines: tuple[Medicine, ...]
    admitted_for: tuple[tuple[str, str], ...]
    service: str
    bends: tuple[tuple[str, float, float], ...] = ()


HYPERTENSION = Problem(snomed="38341003", icd10="I10", name="Hypertension")
LIPIDS = Problem(snomed="55822004", icd10="E78.5", name="Hyperlipidemia")
HEART_FAILURE = Problem(snomed="84114007", icd10="I50.9", name="Heart failure")
DIABETES = Problem(snomed="44054006", icd10="E11.9", name="Type 2 diabetes")
KIDNEY = Problem(snomed="433144002", icd10="N18.30", name="Chronic kidney disease stage 3")
COPD = Problem(snomed="13645005", icd10="J44.9", name="COPD")
FIBRILLATION = Problem(snomed="49436004", icd10="I48.91", name="Atrial fibrillation")
CORONARY = Problem(snomed="53741008", icd10="I25.10", name="Coronary artery disease")
DEPRESSION = Problem(snomed="35489007", icd10="F32.A", name="Depression")
ARTHRITIS = Problem(snomed="396275006", icd10="M19.90", name="Osteoarthritis")
ASTHMA = Problem(snomed="195967001", icd10="J45.909", name="Asthma")
DEMENTIA = Problem(snomed="52448006", icd10="F03.90", name="Dementia")
STROKE = Problem(snomed="230690007", icd10="I63.9", name="Stroke")
OBESITY = Problem(snomed="414916001", icd10="E66.9", name="Obesity")

LISINOPRIL = Medicine(rxnorm="314076", name="Lisinopril 10 mg tablet", dosage="1 tablet every morning")
METFORMIN = Medicine(rxnorm="861007", name="Metformin 500 mg tablet", dosage="1 tablet twice a day with food")
FUROSEMIDE = Medicine(rxnorm="313988", name="Furosemide 40 mg tablet", dosage="1 tablet every morning")
METOPROLOL = Medicine(rxnorm="866436", name="Metoprolol succinate 50 mg 24-hour tablet", dosage="1 tablet a day")
ATORVASTATIN = Medicine(rxnorm="617310", name="Atorvastatin 20 mg tablet", dosage="1 tablet at night")
AMLODIPINE = Medicine(rxnorm="197361", name="Amlodipine 5 mg tablet", dosage="1 tablet a day")
APIXABAN = Medicine(rxnorm="1364445", name="Apixaban 5 mg tablet", dosage="1 tablet twice a day")
SERTRALINE = Medicine(rxnorm="312941", name="Sertraline 50 mg tablet", dosage="1 tablet every morning")
ALBUTEROL = Medicine(rxnorm="745679", name="Albuterol 90 mcg inhaler", dosage="2 puffs when short of breath")
PREDNISONE = Medicine(rxnorm="312615", name="Prednisone 20 mg tablet", dosage="2 tablets a day for 5 days")
INSULIN = Medicine(rxnorm="311041", name="Insulin glargine 100 units/mL", dosage="18 units at bedtime")
ASPIRIN = Medicine(rxnorm="243670", name="Aspirin 81 mg tablet", dosage="1 tablet a day")
OMEPRAZOLE = Medicine(rxnorm="198051", name="Omeprazole 20 mg capsule", dosage="1 capsule before breakfast")
GABAPENTIN = Medicine(rxnorm="310431", name="Gabapentin 300 mg capsule", dosage="1 capsule three times a day")
LOSARTAN = Medicine(rxnorm="979492", name="Losartan 50 mg tablet", dosage="1 tablet a day")
ACETAMINOPHEN = Medicine(rxnorm="313782", name="Acetaminophen 325 mg tablet", dosage="2 tablets when in pain")

STORIES = (
    Story(key="heart-failure", weight=14, ages=(62, 91), problems=(HEART_FAILURE, HYPERTENSION, CORONARY, KIDNEY),
          medicines=(FUROSEMIDE, METOPROLOL, LISINOPRIL, ATORVASTATIN, ASPIRIN),
          admitted_for=(("I50.9", "Heart failure, worse"), ("I50.9", "Short of breath, swollen legs")), service="CAR",
          bends=(("30934-4", 280, 1400), ("2951-2", 130, 138), ("718-7", 9.8, 12.6), ("2160-0", 1.2, 2.1))),
    Story(key="copd", weight=12, ages=(55, 86), problems=(COPD, HYPERTENSION, DEPRESSION),
          medicines=(ALBUTEROL, PREDNISONE, AMLODIPINE, SERTRALINE), service="PUL",
          admitted_for=(("J44.1", "COPD, worse"), ("J18.9", "Pneumonia"))),
    Story(key="diabetes", weight=20, ages=(38, 82), problems=(DIABETES, HYPERTENSION, LIPIDS, OBESITY),
          medicines=(METFORMIN, INSULIN, LISINOPRIL, ATORVASTATIN), service="MED",
          admitted_for=(("E11.65", "High blood sugar"), ("L03.90", "Infected foot"), ("N39.0", "Urinary infection")),
          bends=(("4548-4", 7.1, 11.4),)),
    Story(key="kidney", weight=8, ages=(50, 88), problems=(KIDNEY, DIABETES, HYPERTENSION),
          medicines=(LOSARTAN, AMLODIPINE, INSULIN, ATORVASTATIN), service="MED",
          admitted_for=(("N17.9", "Acute kidney injury"), ("E87.5", "High potassium")),
          bends=(("2160-0", 1.8, 3.4), ("718-7", 9.2, 11.8), ("4548-4", 6.8, 9.2))),
    Story(key="fibrillation", weight=8, ages=(60, 90), problems=(FIBRILLATION, HYPERTENSION, STROKE),
          medicines=(APIXABAN, METOPROLOL, ATORVASTATIN), service="NEU",
          admitted_for=(("I63.9", "Stroke"), ("I48.91", "Fast heart rhythm"))),
    Story(key="hip", weight=7, ages=(68, 94), problems=(ARTHRITIS, HYPERTENSION, DEMENTIA),
          medicines=(ACETAMINOPHEN, OMEPRAZOLE, LISINOPRIL), service="ORT",
          admitted_for=(("S72.009A", "Broken hip after a fall"), ("M16.9", "Hip replacement"))),
    Story(key="asthma", weight=9, ages=(19, 60), problems=(ASTHMA, OBESITY), medicines=(ALBUTEROL, OMEPRAZOLE),
          admitted_for=(("J45.901", "Asthma attack"),), service="PUL"),
    Story(key="depression", weight=9, ages=(21, 70), problems=(DEPRESSION, LIPIDS), medicines=(SERTRALINE, GABAPENTIN),
          admitted_for=(("R45.851", "Crisis, now safe"), ("T50.901A", "Took too much medicine")), service="PSY"),
    Story(key="well", weight=13, ages=(19, 75), problems=(LIPIDS,), medicines=(ATORVASTATIN,), service="SUR",
          admitted_for=(("K35.80", "Appendicitis"), ("K80.20", "Gallstones"))),
)  # fmt: skip

LABS = (
    ("718-7", "Hemoglobin", "g/dL", 12.2, 15.4, 1),
    ("2951-2", "Sodium", "mmol/L", 136, 144, 0),
    ("2160-0", "Creatinine", "mg/dL", 0.7, 1.2, 2),
    ("4548-4", "Hemoglobin A1c", "%", 5.0, 6.2, 1),
    ("2823-3", "Potassium", "mmol/L", 3.7, 4.9, 1),
    ("30934-4", "BNP", "pg/mL", 20, 95, 0),
)
"""LOINC code, name, UCUM unit, ordinary range, decimals."""
