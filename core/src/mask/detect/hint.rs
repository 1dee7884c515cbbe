//! What the name of a column or key says about its values. It adds kinds that the value alone does not show, and says of
//! some shapes that they are something else.
//!
//! Invariant: a name that the caller of a statement can choose only ever adds: see [`Hint::adds_only`].

use super::class::{Class, Classes};

/// What a name says. The default says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hint {
    /// The kind of the values, where the name leaves no doubt.
    pub(super) class: Option<Class>,
    /// The name is weaker evidence: the value has to look the part.
    pub(super) doubtful: bool,
    /// What its values are not, whatever they look like.
    pub(super) never: Classes,
}

impl Hint {
    pub const NONE: Hint = Hint { class: None, doubtful: false, never: Classes::NONE };

    /// The same without what it rules out: for a name that whoever is masked has chosen.
    pub const fn adds_only(self) -> Self {
        Self { class: self.class, doubtful: self.doubtful, never: Classes::NONE }
    }
    /// These kinds without those that the name rules out.
    pub const fn rules_out(self, kinds: Classes) -> Classes {
        kinds.without(self.never)
    }
    /// The kind that the name promises.
    pub const fn class(self) -> Option<Class> {
        self.class
    }
    const fn of(class: Class) -> Self {
        Self { class: Some(class), doubtful: false, never: Classes::NONE }
    }
    const fn perhaps(class: Class) -> Self {
        Self { class: Some(class), doubtful: true, never: Classes::NONE }
    }
}

/// Longer names are read up to here.
const LONGEST: usize = 96;

/// The words of a name in lower case, with an underscore around each: `homePhone`, `home_phone` and `HOME PHONE1` are
/// all `_home_phone_`.
struct Words {
    bytes: [u8; LONGEST],
    len: usize,
}

impl Words {
    fn of(name: &str) -> Self {
        let mut words = Self { bytes: [0; LONGEST], len: 0 };
        words.push(b'_');
        let mut lower = false;
        for sign in name.chars() {
            if (sign.is_uppercase() && lower) || !sign.is_alphanumeric() {
                words.part();
            }
            lower = sign.is_lowercase() || sign.is_numeric();
            if sign.is_alphabetic() {
                let mut room = [0; 4];
                for small in sign.to_lowercase() {
                    small.encode_utf8(&mut room).bytes().for_each(|byte| words.push(byte));
                }
            }
        }
        words.part();
        words
    }
    fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.len) {
            *place = byte;
            self.len += 1;
        }
    }
    fn part(&mut self) {
        if self.len.checked_sub(1).and_then(|last| self.bytes.get(last)) != Some(&b'_') {
            self.push(b'_');
        }
    }
    fn all(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
    /// Each word, or words joined by underscores, stands in the name.
    fn has(&self, word: &str) -> bool {
        let all = self.all();
        memchr::memmem::find_iter(all, word.as_bytes())
            .any(|at| at > 0 && all.get(at - 1) == Some(&b'_') && all.get(at + word.len()) == Some(&b'_'))
    }
    fn any(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.has(word))
    }
    /// `contact`, `account_owner`: persons and nothing else.
    fn are_people(&self) -> bool {
        const BESIDE: &[&str] = &[
            "primary",
            "account",
            "sales",
            "main",
            "assigned",
            "case",
            "secondary",
            "project",
            "to",
            "next",
            "of",
            "first",
        ];
        const NOT_ALONE: &[&str] = &["display", "emergency", "billing", "shipping", "next", "of"];
        let each = || self.all().split(|byte| *byte == b'_').filter(|word| !word.is_empty());
        let within = |word: &[u8], list: &[&str]| list.iter().any(|own| own.as_bytes() == word);
        each().all(|word| within(word, PEOPLE) || within(word, BESIDE))
            && each().any(|word| within(word, PEOPLE) && !within(word, NOT_ALONE))
    }
    fn is(&self, words: &[&str]) -> bool {
        let inside = self.all().strip_prefix(b"_").and_then(|all| all.strip_suffix(b"_")).unwrap_or_default();
        words.iter().any(|word| word.as_bytes() == inside)
    }
}

/// What a column or key of this name holds.
pub fn hint(name: &str) -> Hint {
    let words = Words::of(name);
    let promised = promised(&words);
    Hint { never: never(&words, promised.class), ..promised }
}

/// Words that make a name speak of something else than the value itself.
const OTHER_THINGS: &[&str] = &[
    "id",
    "ids",
    "count",
    "type",
    "kind",
    "verified",
    "hash",
    "at",
    "date",
    "length",
    "status",
    "country",
    "code",
    "model",
    "os",
    "brand",
    "prefix",
    "format",
    "label",
    "enabled",
    "valid",
    "confirmed",
    "domain",
    "provider",
    "is",
    "has",
    "opt",
    "optin",
    "last4",
    "last",
    "expiry",
    "expires",
    "exp",
    "issuer",
];
const BIRTH: &[&str] = &[
    "dob",
    "birthdate",
    "birth_date",
    "date_of_birth",
    "birthday",
    "birth_day",
    "dateofbirth",
    "born",
    "born_on",
    "birth_dt",
    "bday",
    "dt_nascimento",
    "geburtsdatum",
    "geburtstag",
    "nacimiento",
    "nascimento",
    "naissance",
    "nascita",
    "birth",
    "рождения",
    "生年月日",
    "出生日期",
    "geboortedatum",
    "fodselsdato",
    "urodzenia",
];
const PHONE: &[&str] = &[
    "phone",
    "phonenumber",
    "phones",
    "mobile",
    "tel",
    "telephone",
    "cell",
    "cellphone",
    "fax",
    "msisdn",
    "telefono",
    "teléfono",
    "telefon",
    "telefone",
    "handy",
    "celular",
    "whatsapp",
    "gsm",
    "mobil",
    "portable",
    "movil",
    "móvil",
    "telefonnummer",
    "handynummer",
    "cellulare",
    "телефон",
    "电话",
    "手机",
    "電話",
    "전화번호",
    "contact_number",
    "contact_no",
    "ph_no",
    "landline",
    "homephone",
    "workphone",
    "mobilephone",
    "mobileno",
    "phoneno",
    "phone_num",
    "telnr",
    "sms",
];
const KEYS: &[&str] = &[
    "secret",
    "api_key",
    "apikey",
    "api_token",
    "apitoken",
    "access_token",
    "accesstoken",
    "auth_token",
    "authtoken",
    "secret_key",
    "secretkey",
    "private_token",
    "bearer",
    "client_secret",
    "token",
    "access_key",
    "webhook_secret",
    "apisecret",
    "credential",
    "credentials",
];
const PLACE: &[&str] = &[
    "address",
    "addr",
    "addresses",
    "street",
    "streetaddress",
    "street_address",
    "addressline",
    "address_line",
    "adresse",
    "anschrift",
    "strasse",
    "straße",
    "direccion",
    "dirección",
    "domicilio",
    "endereco",
    "endereço",
    "logradouro",
    "indirizzo",
    "adres",
    "adress",
    "адрес",
    "地址",
    "住所",
    "주소",
    "residence",
    "homeaddress",
    "shippingaddress",
    "billingaddress",
    "postaladdress",
    "mailingaddress",
    "ship_to",
    "bill_to",
    "shipto",
    "rue",
];
const NO_PLACE: &[&str] = &[
    "email",
    "mail",
    "ip",
    "ipv",
    "mac",
    "wallet",
    "btc",
    "eth",
    "bitcoin",
    "crypto",
    "web",
    "url",
    "server",
    "host",
    "network",
    "memory",
    "contract",
    "id",
    "ids",
    "type",
    "hash",
    "remote",
    "source",
    "src",
    "dest",
    "dst",
    "client",
    "peer",
    "local",
    "listen",
    "bind",
    "hardware",
    "physical",
    "ethernet",
    "bus",
    "token",
    "status",
    "verified",
    "count",
    "kind",
    "at",
    "code",
    "name",
    "coin",
    "ethereum",
    "hw",
    "ether",
    "internet",
    "multicast",
    "gateway",
    "from",
];

fn promised(words: &Words) -> Hint {
    let number = words.any(&["number", "num", "no", "nr"]);
    if words.any(BIRTH)
        && !words.any(&["place", "city", "country", "year", "month", "state", "name", "weight"])
    {
        return Hint::of(Class::BirthDate);
    }
    if words.any(PLACE) && !words.any(NO_PLACE) {
        return Hint::of(Class::Address);
    }
    if let Some(hint) = person(words) {
        return hint;
    }
    let card =
        words.any(&["pan", "cardnumber", "creditcard", "ccnumber", "ccnum", "credit_card", "card_number"])
            || (number && words.any(&["card", "cc"]));
    if words.any(OTHER_THINGS) {
        return Hint::NONE;
    }
    if words.any(&[
        "ssn",
        "social_security",
        "socialsecurity",
        "social_security_number",
        "ssnum",
        "ss_number",
    ]) {
        Hint::of(Class::Ssn)
    } else if card {
        Hint::of(Class::Card)
    } else if words.any(&["cpf", "cpfs"]) {
        Hint::of(Class::Cpf)
    } else if words.any(PHONE) || words.is(&["contact_number", "whatsapp_number", "cell_number"]) {
        Hint::of(Class::Phone)
    } else if words.has("iban") {
        Hint::of(Class::Iban)
    } else if words.any(&["email", "mail", "emailaddress", "correo", "courriel"]) {
        Hint::of(Class::Email)
    } else if words.any(&["mac", "macaddress", "hwaddr", "bssid", "ether", "mac_addr", "macaddr"]) {
        Hint::of(Class::Mac)
    } else if words.any(&["wallet", "btc", "bitcoin", "eth", "ethereum", "crypto", "solana", "coin_address"])
    {
        Hint::of(Class::Coin)
    } else if words.any(&[
        "aws_secret_access_key",
        "aws_secret",
        "secret_access_key",
        "aws_secret_key",
        "secretaccesskey",
    ]) {
        Hint::of(Class::AwsKey)
    } else if words.any(KEYS) {
        Hint::of(Class::ApiKey)
    } else {
        Hint::NONE
    }
}

const NAMES: &[&str] = &[
    "fullname",
    "firstname",
    "lastname",
    "surname",
    "forename",
    "givenname",
    "familyname",
    "middlename",
    "maidenname",
    "full_name",
    "first_name",
    "last_name",
    "given_name",
    "family_name",
    "middle_name",
    "maiden_name",
    "legal_name",
    "preferred_name",
    "vorname",
    "nachname",
    "nombre",
    "apellido",
    "apellidos",
    "nombres",
    "prenom",
    "prénom",
    "nom",
    "nome",
    "sobrenome",
    "cognome",
    "имя",
    "фамилия",
    "фио",
    "отчество",
    "姓名",
    "名前",
    "氏名",
    "이름",
    "성명",
    "имя_фамилия",
    "naam",
    "voornaam",
    "achternaam",
    "imie",
    "imię",
    "nazwisko",
    "cardholder",
    "card_holder",
    "cardholder_name",
    "fname",
    "lname",
    "mname",
    "name_on_card",
    "nombre_completo",
    "nome_completo",
    "nom_complet",
    "nom_de_famille",
    "förnamn",
    "efternamn",
    "الاسم",
];
/// Who may have a name.
const PEOPLE: &[&str] = &[
    "customer",
    "client",
    "contact",
    "employee",
    "patient",
    "person",
    "member",
    "owner",
    "holder",
    "recipient",
    "sender",
    "author",
    "manager",
    "doctor",
    "student",
    "teacher",
    "guest",
    "passenger",
    "driver",
    "tenant",
    "beneficiary",
    "emergency",
    "billing",
    "shipping",
    "buyer",
    "parent",
    "mother",
    "father",
    "spouse",
    "child",
    "applicant",
    "candidate",
    "borrower",
    "insured",
    "lead",
    "rep",
    "staff",
    "worker",
    "reviewer",
    "assignee",
    "physician",
    "attendee",
    "signatory",
    "subscriber",
    "payer",
    "payee",
    "nurse",
    "agent",
    "mothers",
    "fathers",
    "consignee",
    "caller",
    "respondent",
    "citizen",
    "participant",
    "supervisor",
    "kin",
    "donor",
    "representative",
    "display",
    "instructor",
    "landlord",
    "resident",
    "lawyer",
    "signer",
    "approver",
    "requester",
    "reporter",
    "technician",
    "guardian",
    "witness",
    "claimant",
    "people",
    "human",
];
/// Names of other things, and of persons as machines know them.
const NO_PERSON: &[&str] = &[
    "product",
    "file",
    "host",
    "server",
    "domain",
    "table",
    "column",
    "schema",
    "db",
    "database",
    "company",
    "org",
    "organization",
    "organisation",
    "business",
    "brand",
    "store",
    "shop",
    "event",
    "project",
    "team",
    "group",
    "role",
    "category",
    "city",
    "country",
    "state",
    "region",
    "street",
    "school",
    "university",
    "department",
    "dept",
    "plan",
    "package",
    "app",
    "application",
    "service",
    "device",
    "model",
    "item",
    "sku",
    "user",
    "username",
    "login",
    "nick",
    "nickname",
    "screen",
    "handle",
    "bank",
    "currency",
    "course",
    "class",
    "type",
    "status",
    "font",
    "color",
    "template",
    "job",
    "queue",
    "bucket",
    "branch",
    "repo",
    "path",
    "key",
    "field",
    "tag",
    "song",
    "movie",
    "book",
    "game",
    "hotel",
    "restaurant",
    "vendor",
    "supplier",
    "manufacturer",
    "campaign",
    "pet",
    "id",
    "ids",
    "email",
    "mail",
    "phone",
    "address",
    "method",
    "preference",
    "count",
    "at",
    "date",
    "number",
    "code",
    "url",
    "notes",
    "note",
    "comment",
    "language",
    "title",
    "os",
    "browser",
    "cluster",
    "node",
    "pod",
    "container",
    "image",
    "label",
    "module",
    "function",
    "variable",
    "env",
    "hash",
    "segment",
    "tier",
    "level",
    "score",
    "rating",
    "site",
    "page",
    "no",
    "time",
    "reason",
    "form",
    "source",
    "channel",
    "ip",
    "age",
    "gender",
    "zip",
    "locale",
    "lang",
    "timezone",
    "token",
    "secret",
    "iban",
    "account",
    "amount",
    "total",
    "fax",
    "mobile",
    "legal_entity",
    "space",
    "workspace",
    "version",
    "since",
    "space_name",
    "enum",
    "attribute",
    "metric",
];

fn person(words: &Words) -> Option<Hint> {
    let named = words.has("name") || words.has("names");
    if words.any(NAMES) && !words.any(&["id", "ids", "hash", "count", "company", "file", "product", "type"]) {
        return Some(Hint::of(Class::Person));
    }
    if !named && words.are_people() {
        return Some(Hint::perhaps(Class::Person));
    }
    if words.any(NO_PERSON) {
        return None;
    }
    if named && words.any(PEOPLE) {
        return Some(Hint::of(Class::Person));
    }
    let alone = words.is(&["name", "names"]);
    let by = words.is(&[
        "signed_by",
        "approved_by",
        "requested_by",
        "prepared_by",
        "written_by",
        "attention",
        "attn",
    ]);
    (alone || by).then(|| Hint::perhaps(Class::Person))
}

const NUMBERS: Classes = Classes::of(Class::Phone).with(Class::Ssn).with(Class::Cpf);

/// What counts goods, papers, times and places is no number of a person; what names a version is no address.
fn never(words: &Words, promised: Option<Class>) -> Classes {
    const GOODS: &[&str] = &[
        "imei", "imeis", "iccid", "isbn", "ean", "upc", "gtin", "barcode", "tracking", "awb", "asin", "issn",
        "meid", "imsi", "eid",
    ];
    const PAPERS: &[&str] = &[
        "order",
        "invoice",
        "sku",
        "serial",
        "ticket",
        "part",
        "lot",
        "batch",
        "po",
        "zip",
        "postal",
        "postcode",
        "zipcode",
        "epoch",
        "timestamp",
        "ts",
        "created",
        "updated",
        "deleted",
        "at",
        "lat",
        "lng",
        "lon",
        "latitude",
        "longitude",
        "coordinates",
        "price",
        "amount",
        "cost",
        "balance",
        "population",
        "quantity",
        "qty",
        "hash",
        "sha",
        "md5",
        "checksum",
        "commit",
        "uuid",
        "guid",
        "receipt",
        "shipment",
        "parcel",
        "size",
        "bytes",
        "duration",
        "revision",
        "build",
        "salary",
        "revenue",
        "color",
        "colour",
        "dimensions",
        "score",
        "coords",
        "location",
        "geo",
        "gps",
        "plz",
        "cep",
        "vin",
        "case",
        "booking",
        "reservation",
    ];
    const VERSIONS: &[&str] = &[
        "version", "ver", "versions", "release", "build", "semver", "firmware", "oid", "revision", "agent",
        "range", "driver", "kernel",
    ];
    if promised.is_some() {
        return Classes::NONE;
    }
    let mut never = Classes::NONE;
    if words.any(GOODS) {
        never = never.union(NUMBERS).with(Class::Card);
    }
    if words.any(PAPERS) {
        never = never.union(NUMBERS);
    }
    if words.any(VERSIONS) {
        never = never.union(NUMBERS).with(Class::Ip);
    }
    never
}
