#!/usr/bin/env python3
"""Writes second_set.tsv: a set that the readers were not written against. Names, addresses, numbers and near misses come
from Faker's locales, telephone numbers from libphonenumber's plans (the packages faker and phonenumbers); the sentences
around them stand nowhere else. Run it only to make the set larger: a set that follows the readers proves nothing.

A line: kind, column (may be empty), and the text, with marks around the value. Kind `none` has no value."""
import base64, hashlib, json, random, sys
import phonenumbers as pn
from faker import Faker

rnd = random.Random(20240611)
Faker.seed(7011)
LOCALES = ("en_US en_GB de_DE fr_FR it_IT es_ES pt_BR pt_PT nl_NL pl_PL sv_SE da_DK no_NO fi_FI cs_CZ hu_HU ro_RO hr_HR el_GR "
           "tr_TR ru_RU uk_UA ja_JP zh_CN zh_TW ko_KR en_IN hi_IN id_ID vi_VN th_TH ar_AA fa_IR he_IL en_AU es_MX en_CA fr_CA "
           "de_AT de_CH en_IE en_NZ lt_LT lv_LV et_EE bg_BG sk_SK sl_SI").split()
fakes = {}
for locale in LOCALES:
    try:
        fakes[locale] = Faker(locale)
    except Exception:
        pass
en = fakes["en_US"]
any_fake = lambda: fakes[rnd.choice(list(fakes))]
out = []
B62 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
letters = lambda alphabet, n: "".join(rnd.choice(alphabet) for _ in range(n))
hexs = lambda n: letters("0123456789abcdef", n)
digits = lambda n: letters("0123456789", n)
raw = lambda n: bytes(rnd.randrange(256) for _ in range(n))


def put(kind, column, text, value=None):
    if kind != "none":
        value = text if value is None else value
        at = text.index(value)
        text = text[:at] + "«" + value + "»" + text[at + len(value):]
    text = text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    out.append(f"{kind}\t{column}\t{text}")


TEXTS = [
    "hey, can you forward this to {} before lunch? thx", "RE: ticket — customer wrote back: {}", "level=warn msg=\"retry\" detail=\"{}\" attempt=3",
    "INSERT INTO audit(note) VALUES ('{}');", "- item: {}\n  done: false", "<li><b>Value</b>: {}</li>", "see also [{}] in the appendix",
    "Bitte an {} weiterleiten, danke!", "le client a donné {} hier soir", "{}; seen twice", "note|{}|closed", "The old one, {}, is gone.",
    "{\"payload\":{\"v\":\"{}\"},\"n\":3}", "Updated {} -> see wiki", "“{}”", "EXPORT VALUE={}", "\t{}\t", "1) {} 2) nothing",
]
def framed(kind, value, n=1):
    for _ in range(n):
        template = rnd.choice(TEXTS)
        put(kind, rnd.choice(["notes", "body", "message", "description", "comment", "payload"]), template.replace("{}", value), value)


def both(kind, make, columns, alone=110, inside=40):
    for _ in range(alone):
        put(kind, rnd.choice(columns), make())
    for _ in range(inside):
        framed(kind, make())


def luhn(body):
    total = 0
    for i, c in enumerate(reversed(body)):
        d = int(c) * (2 if i % 2 == 0 else 1)
        total += d - 9 if d > 9 else d
    return body + str((10 - total % 10) % 10)


# Values that show what they are
both("email", lambda: rnd.choice([lambda: any_fake().ascii_email(), lambda: en.company_email(), lambda: en.free_email(),
    lambda: en.user_name() + "+" + en.word() + "@" + en.domain_name(2), lambda: f"\"{en.first_name()} {en.last_name()}\"@{en.domain_name()}",
    lambda: "ж" + "енька@пример.рф", lambda: "info@bücher.example", lambda: en.user_name() + "@[IPv6:2001:db8::25]",
    lambda: en.user_name().upper() + "@" + en.domain_name().upper(), lambda: en.user_name() + "@xn--80ak6aa92e.com"])(),
    ["email", "contact_email", "login", "col7", "value"])
def card():
    kind = rnd.choice(["visa", "visa", "mastercard", "mc2", "amex", "disc", "diners", "jcb", "maestro", "cup", "mir", "elo", "hiper"])
    head, n = {"visa": ("4", 16), "mastercard": (rnd.choice(["51", "52", "54", "55"]), 16), "mc2": (str(rnd.randint(2221, 2720)), 16),
        "amex": (rnd.choice(["34", "37"]), 15), "disc": (rnd.choice(["6011", "65", "645", "649"]), 16), "diners": (rnd.choice(["300", "305", "36", "38", "39"]), 14),
        "jcb": (str(rnd.randint(3528, 3589)), 16), "maestro": (rnd.choice(["5018", "5020", "5038", "6304", "6759", "6761", "6763"]), rnd.choice([16, 18, 19])),
        "cup": ("62", rnd.choice([16, 17, 18, 19])), "mir": (str(rnd.randint(2200, 2204)), 16), "elo": (rnd.choice(["5067", "5090", "6363", "4514"]), 16),
        "hiper": ("6062", 16)}[kind]
    number = luhn(head + digits(n - 1 - len(head)))
    if rnd.random() < .45:
        return number
    sep = rnd.choice([" ", " ", "-", ".", "_", "\u00a0"])
    if n == 15:
        return sep.join([number[:4], number[4:10], number[10:]])
    if n == 14:
        return sep.join([number[:4], number[4:10], number[10:]])
    return sep.join(number[i:i + 4] for i in range(0, n, 4))
both("credit_card", card, ["card", "payment_ref", "details", "value", "pan"])
both("us_ssn", lambda: rnd.choice(["{}-{}-{}", "{}-{}-{}", "{} {} {}"]).format(*en.ssn().split("-")), ["ssn", "tax_ref", "value", "col2"])
def v6():
    import ipaddress
    value = ipaddress.IPv6Address(int.from_bytes(bytes([0x20, 0x01, 0x0d, 0xb8]) + bytes(rnd.choice([0, 0, rnd.randrange(256)]) for _ in range(12)), "big"))
    return rnd.choice([str(value), value.exploded, str(value).upper(), "fe80::" + hexs(4) + ":" + hexs(4) + "%eth" + digits(1),
        "::ffff:" + en.ipv4(), "::1", str(value) + "/64", "fd" + hexs(2) + "::" + hexs(3), "64:ff9b::" + en.ipv4()])
both("ip_address", lambda: rnd.choice([en.ipv4, en.ipv4, en.ipv4_private, en.ipv4_public, v6, v6, lambda: en.ipv4(network=True)])(),
     ["ip", "client_ip", "remote_addr", "value", "host_address", "peer"])
def mac():
    pairs = [hexs(2) for _ in range(6)]
    return rnd.choice([":".join(pairs), "-".join(pairs).upper(), ":".join(pairs).upper(), "-".join(pairs), ".".join(["a" + hexs(3), hexs(4), hexs(4)])])
both("mac_address", mac, ["mac", "device", "hw_addr", "value"])
IBAN = {"DE": "n18", "FR": "n10c11n2", "GB": "a4n14", "ES": "n20", "IT": "a1n10c12", "NL": "a4n10", "BE": "n12", "CH": "n5c12", "PL": "n24", "SE": "n20",
    "NO": "n11", "DK": "n14", "FI": "n14", "PT": "n21", "IE": "a4n14", "AT": "n16", "CZ": "n20", "RO": "a4c16", "TR": "n6c16", "SA": "n2c18", "AE": "n19",
    "KW": "a4c22", "BR": "n23a1c1", "MT": "a4n5c18", "GI": "a4c15", "GE": "a2n16", "SC": "a4n20a3", "LV": "a4c13", "UA": "n6c19", "IS": "n22", "EG": "n25"}
def iban():
    import re
    country = rnd.choice(list(IBAN))
    body = "".join(letters({"n": "0123456789", "a": "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "c": "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"}[k], int(n))
                   for k, n in re.findall(r"([nac])(\d+)", IBAN[country]))
    check = 98 - int("".join(str(int(c, 36)) for c in body + country + "00")) % 97
    whole = f"{country}{check:02}{body}"
    return rnd.choice([whole, whole.lower(), " ".join(whole[i:i + 4] for i in range(0, len(whole), 4)), "-".join(whole[i:i + 4] for i in range(0, len(whole), 4))])
both("iban", iban, ["iban", "account", "bank", "value"])
br = fakes["pt_BR"]
both("br_cpf", lambda: rnd.choice([br.cpf(), br.cpf(), br.cpf().replace(".", "").replace("-", "")]), ["cpf", "documento", "value", "tax_id"])
b64u = lambda data: base64.urlsafe_b64encode(data).decode().rstrip("=")
def jwt():
    header = rnd.choice([{"alg": "HS512"}, {"typ": "JWT", "alg": "PS256"}, {"alg": "ES384", "kid": hexs(8)}, {"kid": "k1", "typ": "at+jwt", "alg": "RS256"}])
    text = json.dumps(header, separators=rnd.choice([(",", ":"), (", ", ": ")]))
    body = json.dumps({"iss": en.url(), "sub": en.uuid4(), "exp": en.unix_time() and 1900000000})
    signature = b64u(raw(rnd.choice([32, 48, 64, 256])))
    return b64u(text.encode()) + "." + b64u(body.encode()) + "." + rnd.choice([signature, signature, signature[:11]])
both("jwt", jwt, ["token", "session", "auth", "value"])
KEYS = [lambda: "sk_live_" + letters(B62, 24), lambda: "rk_live_" + letters(B62, 99), lambda: "sk_test_51" + letters(B62, 97), lambda: "ghp_" + letters(B62, 36),
    lambda: "github_pat_" + letters(B62, 22) + "_" + letters(B62, 59), lambda: "gho_" + letters(B62, 36), lambda: "glpat-" + letters(B62 + "-_", 20),
    lambda: "xoxb-" + digits(12) + "-" + digits(12) + "-" + letters(B62, 24), lambda: "xoxp-" + digits(11) + "-" + digits(11) + "-" + digits(12) + "-" + hexs(32),
    lambda: "AIza" + letters(B62 + "-_", 35), lambda: "hf_" + letters(B62[:52], 30) + digits(4), lambda: "npm_" + letters(B62, 36),
    lambda: "SG." + letters(B62 + "-_", 22) + "." + letters(B62 + "-_", 43), lambda: "sk-ant-api03-" + letters(B62 + "-_", 93) + "AA", lambda: "sk-proj-" + letters(B62 + "-_", 60),
    lambda: "sk-" + letters(B62, 48), lambda: "SK" + hexs(32), lambda: "dop_v1_" + hexs(64), lambda: "shpat_" + hexs(32), lambda: "pypi-AgEIcHlwaS5vcmc" + letters(B62 + "-_", 60),
    lambda: "lin_api_" + letters(B62, 40), lambda: "dckr_pat_" + letters(B62 + "-_", 27), lambda: "hvs." + letters(B62, 24), lambda: "glsa_" + letters(B62, 32) + "_" + hexs(8),
    lambda: "ya29." + letters(B62 + "-_", 60), lambda: "GOCSPX-" + letters(B62 + "-_", 28), lambda: "key-" + hexs(32), lambda: "dapi" + hexs(32), lambda: "whsec_" + letters(B62, 32)]
both("api_key", lambda: rnd.choice(KEYS)(), ["api_key", "secret", "config", "value", "env"], 160, 60)
both("aws_access_key", lambda: rnd.choice(["AKIA", "AKIA", "ASIA"]) + letters("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16), ["aws_key", "access_key_id", "value", "config"])
def pem():
    label = rnd.choice(["RSA PRIVATE KEY", "PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "DSA PRIVATE KEY", "PGP PRIVATE KEY BLOCK"])
    body = base64.b64encode(raw(rnd.randint(40, 700))).decode()
    nl = rnd.choice(["\n", "\n", "\r\n"])
    return f"-----BEGIN {label}-----{nl}" + nl.join(body[i:i + 64] for i in range(0, len(body), 64)) + f"{nl}-----END {label}-----"
both("private_key", pem, ["key", "pem", "value"], 60, 20)
def url():
    password = rnd.choice([letters(B62, 12), "p%40ss" + digits(3), "S3cr3t!", letters(B62 + "!$^&*()_-+=.,", 14), "correct-horse", "hunter2"])
    user = rnd.choice([en.user_name(), "admin", "", "svc_app"])
    scheme = rnd.choice(["postgres", "postgresql", "mysql", "mongodb+srv", "redis", "rediss", "amqp", "https", "http", "ftp", "smtp", "sftp", "clickhouse"])
    host = rnd.choice([en.hostname(), "db-1.internal", "localhost", "cache"])
    rest = rnd.choice(["/app", ":5432/prod?sslmode=require", "/0", "", ":27017/"])
    return f"{scheme}://{user}:{password}@{host}{rest}", password
for _ in range(110):
    whole, value = url()
    if whole.count(value) == 1:
        put("url_password", rnd.choice(["dsn", "database_url", "value", "remote"]), whole, value)
for _ in range(40):
    whole, value = url()
    template = rnd.choice(TEXTS)
    text = template.replace("{}", whole)
    if text.count(value) == 1:
        put("url_password", "notes", text, value)
A58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
def b58check(payload):
    data = payload + hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]
    n, s = int.from_bytes(data, "big"), ""
    while n:
        n, r = divmod(n, 58)
        s = A58[r] + s
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + s
CH = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
def bech(hrp, version, program):
    def polymod(values):
        gen, chk = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3], 1
        for v in values:
            top = chk >> 25
            chk = (chk & 0x1ffffff) << 5 ^ v
            for i in range(5):
                chk ^= gen[i] if top >> i & 1 else 0
        return chk
    acc, bits, data = 0, 0, [version]
    for b in program:
        acc, bits = acc << 8 | b, bits + 8
        while bits >= 5:
            bits -= 5
            data.append(acc >> bits & 31)
    if bits:
        data.append(acc << 5 - bits & 31)
    expanded = [ord(c) >> 5 for c in hrp] + [0] + [ord(c) & 31 for c in hrp]
    const = 1 if version == 0 else 0x2bc830a3
    mod = polymod(expanded + data + [0] * 6) ^ const
    return hrp + "1" + "".join(CH[d] for d in data + [mod >> 5 * (5 - i) & 31 for i in range(6)])
both("crypto_address", lambda: rnd.choice([lambda: b58check(b"\0" + raw(20)), lambda: b58check(b"\5" + raw(20)), lambda: bech("bc", 0, raw(20)), lambda: bech("bc", 1, raw(32)),
    lambda: bech("ltc", 0, raw(20)), lambda: "0x" + hexs(40), lambda: "0x" + hexs(40).upper(), lambda: b58check(b"\x30" + raw(20)), lambda: b58check(b"\x1e" + raw(20)),
    lambda: b58check(b"\x41" + raw(20)), lambda: bech("bc", 0, raw(32)).upper()])(), ["wallet", "payout", "value", "to"])

# Telephone numbers of every plan
MAIN = "US GB DE FR IT ES NL BE AT CH SE PL BR IN JP AU MX KR TR ZA RU UA".split()
for region in sorted(pn.SUPPORTED_REGIONS):
    for kind in (pn.PhoneNumberType.FIXED_LINE, pn.PhoneNumberType.MOBILE):
        number = pn.example_number_for_type(region, kind)
        if not number:
            continue
        for form in (pn.PhoneNumberFormat.INTERNATIONAL, pn.PhoneNumberFormat.E164):
            text = pn.format_number(number, form)
            (framed("phone", text) if rnd.random() < .3 else put("phone", rnd.choice(["contact", "phone", "value", "kontakt"]), text))
        national = pn.format_number(number, pn.PhoneNumberFormat.NATIONAL)
        put("phone", rnd.choice(["phone", "mobile_no", "home_phone", "telephone", "fax_number"]), national)
        if region in MAIN and not national.isdigit():
            framed("phone", national) if rnd.random() < .3 else put("phone", "value", national)
for _ in range(60):
    put("phone", rnd.choice(["phone", "cell", "work_phone"]), any_fake().phone_number())
for _ in range(25):
    put("phone", rnd.choice(["phone", "mobile", "contact_number"]), "2" + digits(2) + "5" + digits(6))
    put("us_ssn", rnd.choice(["ssn", "social_security_number", "employee_ssn"]), en.ssn().replace("-", ""))

# Values that only their column tells
for _ in range(260):
    fake = any_fake()
    column, value = rnd.choice([("full_name", fake.name()), ("name", fake.name()), ("first_name", fake.first_name()), ("last_name", fake.last_name()),
        ("customer_name", fake.name()), ("contact", fake.name()), ("employeeName", fake.name()), ("patient_name", fake.name()), ("account_holder", fake.name()),
        ("surname", fake.last_name()), ("contact_person", fake.name()), ("vorname", fakes["de_DE"].first_name()), ("nombre_completo", fakes["es_ES"].name())])
    put("person", column, value)
for _ in range(200):
    fake = any_fake()
    column, value = rnd.choice([("address", fake.address()), ("address", fake.address().replace("\n", ", ")), ("street", fake.street_address()), ("street_address", fake.street_address()),
        ("shipping_address", fake.address()), ("billing_address", fake.address().replace("\n", ", ")), ("home_address", fake.address()), ("addr_line1", fake.street_address())])
    put("postal_address", column, value)
for _ in range(160):
    day = en.date_of_birth()
    column = rnd.choice(["dob", "date_of_birth", "birth_date", "birthday", "birthDate", "patient_dob"])
    put("date_of_birth", column, day.strftime(rnd.choice(["%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%B %d, %Y", "%d %b %Y", "%Y%m%d", "%Y-%m-%dT00:00:00Z", "%d-%m-%y",
        "%Y/%m/%d", "%A, %d %B %Y", "%b %d %Y"])))

# Near misses, each under a name that such a value has
def imei():
    return luhn("35" + digits(12))
NOTHING = [("id", en.uuid4), ("hash", en.md5), ("commit", en.sha1), ("digest", en.sha256), ("isbn", lambda: en.isbn13()), ("isbn", lambda: en.isbn10()), ("barcode", lambda: en.ean13()),
    ("barcode", lambda: en.ean8()), ("user_agent", en.user_agent), ("file_name", en.file_name), ("path", lambda: en.file_path(depth=4)), ("color", en.hex_color), ("lat", lambda: str(en.latitude())),
    ("location", lambda: f"{en.latitude()}, {en.longitude()}"), ("url", en.url), ("uri", en.uri), ("hostname", en.hostname), ("slug", en.slug), ("tagline", en.catch_phrase), ("job_title", en.job),
    ("company_name", en.company), ("product_name", lambda: en.word().title() + " " + en.word().title() + " " + digits(3)), ("product_name", lambda: en.color_name() + " " + rnd.choice(["Lamp", "Chair", "Mug", "Shirt"])),
    ("created_at", lambda: en.iso8601()), ("updated_at", lambda: str(en.date_time())), ("created_at", lambda: en.date()), ("epoch", lambda: str(en.unix_time())), ("epoch_ms", lambda: str(1600000000000 + rnd.randrange(10**11))),
    ("plate", en.license_plate), ("vin", lambda: letters("ABCDEFGHJKLMNPRSTUVWXYZ0123456789", 17)), ("mime", en.mime_type), ("bic", en.swift11), ("text", en.sentence), ("text", en.paragraph), ("imei", imei),
    ("iccid", lambda: luhn("8944" + digits(14))), ("tracking_number", lambda: "1Z" + letters("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 16)), ("tracking_number", lambda: "9400" + digits(18)),
    ("tracking_number", lambda: "JJD" + digits(18)), ("order_id", lambda: "ORD-" + digits(8)), ("order_id", lambda: digits(3) + "-" + digits(7) + "-" + digits(7)), ("invoice_no", lambda: "INV-2023-" + digits(5)),
    ("version", lambda: f"{rnd.randint(0, 20)}.{rnd.randint(0, 30)}.{rnd.randint(0, 90)}"), ("version", lambda: "v" + en.ipv4()), ("version", lambda: "10.0.19045." + digits(4)), ("semver", lambda: f"^{rnd.randint(1, 9)}.{digits(1)}.0 || ~{digits(1)}.2.x"),
    ("price", lambda: f"${rnd.randint(1, 999):,}.{digits(2)}"), ("price", lambda: f"{rnd.randint(100, 9999999):,} EUR".replace(",", " ")), ("amount", lambda: f"-{digits(4)}.{digits(2)}"), ("asset", lambda: en.word() + "@2x.png"),
    ("remote", lambda: f"git@github.com:{en.user_name()}/{en.slug()}.git"), ("package", lambda: f"@{en.word()}/{en.word()}@{digits(1)}.{digits(1)}.{digits(1)}"), ("handle", lambda: "@" + en.user_name()),
    ("css", lambda: f"@media (max-width: {digits(3)}px) {{ .{en.word()} {{ color: {en.hex_color()} }} }}"), ("image", lambda: "data:image/png;base64," + base64.b64encode(raw(90)).decode()), ("blob", lambda: base64.b64encode(raw(48)).decode()),
    ("log", lambda: f"[{en.time()}] INFO worker-{digits(1)} processed {digits(4)} rows in {digits(3)}ms"), ("log", lambda: f"{en.iso8601()} DEBUG com.{en.word()}.{en.word()}Service - done id={digits(6)}"), ("sku", lambda: letters("ABCDEFGH", 3) + "-" + digits(4) + "-" + digits(2)),
    ("ticket", lambda: "PROJ-" + digits(4)), ("range", lambda: f"{digits(3)}-{digits(3)}"), ("cron", lambda: "*/5 0 * * 1-5"), ("zip", lambda: en.zipcode_plus4()), ("zip", en.zipcode), ("image_ref", lambda: f"registry.example/{en.word()}/{en.word()}:{digits(1)}.{digits(2)}@sha256:{hexs(64)}"),
    ("card_like", lambda: (lambda n: n[:-1] + str((int(n[-1]) + rnd.randint(1, 9)) % 10))(luhn("4" + digits(14)))), ("iban_like", lambda: "DE" + rnd.choice(["00", "01"]) + digits(18)), ("ssn_like", lambda: rnd.choice(["000", "666", "9" + digits(2)]) + "-" + str(rnd.randint(10, 99)) + "-" + str(rnd.randint(1000, 9999))),
    ("country", lambda: en.country()), ("city", lambda: any_fake().city()), ("status", lambda: rnd.choice(["active", "pending", "n/a", "unknown"])), ("username", en.user_name), ("class_name", lambda: f"std::{en.word()}::{en.word()}"), ("expr", lambda: f"now() - '{digits(1)} days'::interval"),
    ("fingerprint", lambda: ":".join(hexs(2) for _ in range(16))), ("fingerprint", lambda: "SHA256:" + base64.b64encode(raw(32)).decode().rstrip("=")), ("cert", lambda: "-----BEGIN CERTIFICATE-----\n" + base64.b64encode(raw(80)).decode() + "\n-----END CERTIFICATE-----"),
    ("pubkey", lambda: "ssh-rsa AAAAB3NzaC1yc2EAAAADAQAB" + base64.b64encode(raw(60)).decode().rstrip("=")), ("tx", lambda: "0x" + hexs(64)), ("object_id", lambda: hexs(24)), ("ulid", lambda: "01" + letters("0123456789ABCDEFGHJKMNPQRSTVWXYZ", 24)), ("cusip", lambda: digits(6) + letters("AB", 2) + "1"),
    ("score", lambda: f"{digits(1)}-{digits(1)}, {digits(1)}-{digits(1)}"), ("time", lambda: en.time()), ("duration", lambda: f"{digits(2)}:{digits(2)}:{digits(2)}.{digits(3)}"), ("dimension", lambda: f"{digits(4)}x{digits(4)}"), ("number", lambda: digits(9)), ("number", lambda: digits(10)), ("file_name", lambda: f"IMG_{20200101 + rnd.randrange(900)}_{digits(6)}.jpg"),
    ("doi", lambda: f"10.{digits(4)}/{en.word()}.{digits(6)}"), ("arn", lambda: f"arn:aws:s3:::{en.word()}-{en.word()}/*"), ("host_name", lambda: f"ip-10-0-{rnd.randint(0, 255)}-{rnd.randint(0, 255)}.ec2.internal"), ("table_name", lambda: f"{en.word()}_{en.word()}_2024"), ("event_name", lambda: en.word().title() + " " + en.word().title())]
for column, make in NOTHING:
    for _ in range(26):
        put("none", column, make())

rnd.shuffle(out)
with open(sys.argv[1] if len(sys.argv) > 1 else "second_set.tsv", "w") as file:
    file.write("# Made by second_set.py; never edited by hand, and never the reason for a change of the readers.\n")
    file.write("\n".join(out) + "\n")
