//! Statements over the world, made by a grammar of our own. Every query of it yields two columns, `i` and `t`, so that any
//! may stand in any other; what it would do is nobody's business here: the server says what it did.

use crate::dice::Dice;

/// A relation with an integer and a text column. `deep`: more stands behind it than its name.
#[derive(Clone, Copy)]
struct Relation {
    name: &'static str,
    int: &'static str,
    text: &'static str,
    deep: bool,
}

const fn table(name: &'static str, text: &'static str) -> Relation {
    Relation { name, int: "id", text, deep: false }
}
const fn deep(name: &'static str, text: &'static str) -> Relation {
    Relation { name, int: "id", text, deep: true }
}

const TABLES: &[Relation] = &[
    table("plain", "note"),
    table("public.plain", "note"),
    table("PlAiN", "note"),
    table("U&\"pl\\0061in\"", "note"),
    table("other.plain", "note"),
    table("secrets", "value"),
    table("\"Odd\".\"Odd Name\"", "\"Per Cent\""),
    table("dogs", "name"),
    table("parted_a", "kind"),
    deep("animals", "name"),
    deep("parted", "kind"),
    deep("customers", "name"),
    deep("orders", "note"),
    deep("items", "what"),
    deep("watched", "note"),
    deep("ruled", "note"),
];
const VIEWS: &[Relation] = &[
    deep("seen_customers", "name"),
    deep("far_customers", "loud"),
    deep("rich", "name"),
    deep("gate", "note"),
    deep("secret_rows()", "value"),
    table("kept_customers", "name"),
];

/// By which its columns can be spoken of.
#[derive(Clone)]
struct Scope {
    alias: String,
    int: String,
    text: String,
}

pub struct Statement {
    pub text: String,
    /// It is about something of which more stands in the catalog than in the text.
    pub deep: bool,
    /// Several statements in one message.
    pub several: bool,
}

pub struct Grammar {
    dice: Dice,
    deep: bool,
    scopes: Vec<Scope>,
    ctes: Vec<String>,
    names: usize,
}

impl Grammar {
    pub fn new(seed: u64) -> Self {
        Self { dice: Dice::new(seed), deep: false, scopes: Vec::new(), ctes: Vec::new(), names: 0 }
    }

    pub fn statement(&mut self) -> Statement {
        (self.deep, self.names) = (false, 0);
        self.scopes.clear();
        self.ctes.clear();
        let mut several = false;
        let text = match self.dice.below(40) {
            0..=12 => self.with(3, Self::query),
            13..=17 => self.with(2, Self::insert),
            18..=22 => self.with(2, Self::update),
            23..=27 => self.with(2, Self::delete),
            28..=30 => self.with(2, Self::merge),
            31 => format!("COPY ({}) TO STDOUT", self.with(2, Self::any)),
            32 => format!(
                "EXPLAIN (ANALYZE{}) {}",
                self.pick(&["", ", VERBOSE", ", TIMING off"]),
                self.with(2, Self::any)
            ),
            33 => format!(
                "CREATE {}TABLE made AS {}",
                self.pick(&["", "TEMP ", "UNLOGGED "]),
                self.with(2, Self::query)
            ),
            34 => {
                several = true;
                format!("PREPARE p AS {}; EXECUTE p; DEALLOCATE p", self.with(2, Self::any))
            }
            35 => {
                several = true;
                format!("DECLARE c CURSOR FOR {}; FETCH 3 c; CLOSE c", self.with(2, Self::query))
            }
            36 => {
                several = true;
                format!("{}; {}", self.with(2, Self::any), self.with(2, Self::any))
            }
            37 => self.truncate(),
            38 => {
                let relation = self.table();
                format!(
                    "{} {}",
                    self.pick(&["TABLE", "LOCK", "SELECT FROM", "SELECT count(*) FROM"]),
                    relation.name
                )
            }
            _ => {
                let relation = self.table();
                let lock = self.pick(&["UPDATE", "SHARE", "NO KEY UPDATE", "KEY SHARE"]);
                format!("SELECT {} FROM {} FOR {lock}", relation.int, relation.name)
            }
        };
        Statement { text, deep: self.deep, several }
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        self.dice.pick(from)
    }
    fn name(&mut self) -> String {
        self.names += 1;
        format!("x{}", self.names)
    }
    fn table(&mut self) -> Relation {
        let relation = self.pick(TABLES);
        self.deep |= relation.deep;
        relation
    }
    fn relation(&mut self) -> Relation {
        let relation = if self.dice.one_in(4) { self.pick(VIEWS) } else { self.pick(TABLES) };
        self.deep |= relation.deep;
        relation
    }

    fn any(&mut self, depth: usize) -> String {
        match self.dice.below(6) {
            0 => self.insert(depth),
            1 => self.update(depth),
            2 => self.delete(depth),
            _ => self.query(depth),
        }
    }

    /// With common table expressions before it, some of which write.
    fn with(&mut self, depth: usize, main: fn(&mut Self, usize) -> String) -> String {
        if !self.dice.one_in(3) {
            return main(self, depth);
        }
        let known = self.ctes.len();
        let mut parts = Vec::new();
        for _ in 0..=self.dice.below(2) {
            let body = match self.dice.below(6) {
                0 => self.insert(1),
                1 => self.update(1),
                2 => self.delete(1),
                _ => self.query(1),
            };
            let writes = !body.starts_with("SELECT") && !body.starts_with('(') && !body.starts_with("VALUES");
            let shown = !writes || body.contains("RETURNING");
            // Now and then by the name of a table, which it hides.
            let name = if self.dice.one_in(4) { "secrets".to_owned() } else { self.name() };
            if parts.iter().any(|part: &String| part.starts_with(&format!("{name}("))) {
                continue;
            }
            parts.push(if shown {
                format!("{name}(i, t) AS ({body})")
            } else {
                format!("{name} AS ({body})")
            });
            if shown {
                self.ctes.push(name);
            }
        }
        let main = main(self, depth);
        self.ctes.truncate(known);
        if parts.is_empty() { main } else { format!("WITH {} {main}", parts.join(", ")) }
    }

    fn query(&mut self, depth: usize) -> String {
        let known = self.scopes.len();
        let from = self.from(depth);
        let (int, text) = (self.int(depth), self.text(depth));
        let mut query = format!("SELECT {int} AS i, {text} AS t FROM {from}");
        if self.dice.one_in(2) {
            query += &format!(" WHERE {}", self.condition(depth));
        }
        match self.dice.below(8) {
            0 => query += &format!(" ORDER BY {}", self.int(depth)),
            1 => query += &format!(" ORDER BY 1 LIMIT {}", self.free_int(depth)),
            2 => query = format!("{query} GROUP BY {int}, {text}"),
            3 if depth > 0 => {
                let mark = self.scopes.len();
                let other = self.query(depth - 1);
                self.scopes.truncate(mark);
                query = format!(
                    "({query}) {} ({other})",
                    self.pick(&["UNION", "UNION ALL", "EXCEPT", "INTERSECT"])
                );
            }
            _ => {}
        }
        self.scopes.truncate(known);
        query
    }

    fn see(&mut self, int: &str, text: &str) -> String {
        let alias = self.name();
        self.scopes.push(Scope { alias: alias.clone(), int: int.to_owned(), text: text.to_owned() });
        alias
    }

    fn from(&mut self, depth: usize) -> String {
        let first = self.source(depth);
        match self.dice.below(6) {
            0 => {
                let second = self.source(depth);
                format!("{first}, {second}")
            }
            1 => {
                let join = self.pick(&["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"]);
                let second = self.source(depth);
                let (a, b) = (self.column(1), self.column(0));
                format!("{first} {join} {second} ON {a} = {b}")
            }
            2 if depth > 0 => {
                let inner = self.query(depth - 1);
                let alias = self.see("i", "t");
                format!("{first}, LATERAL ({inner}) AS {alias}")
            }
            _ => first,
        }
    }

    /// The integer column of the scope so many from the end.
    fn column(&self, back: usize) -> String {
        let scope = &self.scopes[self.scopes.len() - 1 - back];
        format!("{}.{}", scope.alias, scope.int)
    }

    fn source(&mut self, depth: usize) -> String {
        if !self.ctes.is_empty() && self.dice.one_in(3) {
            let at = self.dice.below(self.ctes.len());
            let name = self.ctes[at].clone();
            let alias = self.see("i", "t");
            return format!("{name} AS {alias}");
        }
        match self.dice.below(10) {
            0 if depth > 0 => {
                // What stands beside it in the same FROM is not in sight.
                let hidden = std::mem::take(&mut self.scopes);
                let inner = self.query(depth - 1);
                self.scopes = hidden;
                let alias = self.see("i", "t");
                format!("({inner}) AS {alias}")
            }
            1 => {
                let alias = self.see("i", "t");
                format!("(VALUES (1, 'a'), (2, 'b')) AS {alias}(i, t)")
            }
            2 => {
                let relation = self.table();
                let alias = self.see("i", "t");
                format!(
                    "(SELECT {}, {} FROM {}) AS {alias}(i, t)",
                    relation.int, relation.text, relation.name
                )
            }
            3 => {
                let relation = self.table();
                let alias = self.see(relation.int, relation.text);
                format!("ONLY {} AS {alias}", relation.name)
            }
            _ => {
                let relation = self.relation();
                // A common table expression of that name would hide it, with other columns.
                let named = if relation.name == "secrets" { "public.secrets" } else { relation.name };
                let alias = self.see(relation.int, relation.text);
                format!("{named} AS {alias}")
            }
        }
    }

    fn int(&mut self, depth: usize) -> String {
        if self.scopes.is_empty() || self.dice.one_in(6) {
            return self.free_int(depth);
        }
        let at = self.dice.below(self.scopes.len());
        let column = self.column(at);
        match self.dice.below(9) {
            0 => format!("{column} + {}", self.dice.below(9)),
            1 => format!("coalesce({column}, 0)"),
            2 => format!("CASE WHEN {} THEN {column} ELSE 0 END", self.condition(depth.saturating_sub(1))),
            3 => format!("length({})", self.text(depth.saturating_sub(1))),
            4 => {
                self.deep = true;
                format!("quiet({column})")
            }
            5 => format!("greatest({column}, {})", self.free_int(depth.saturating_sub(1))),
            _ => column,
        }
    }

    fn free_int(&mut self, depth: usize) -> String {
        match self.dice.below(8) {
            0 | 1 if depth > 0 => {
                let query = self.query(depth - 1);
                let over = self.pick(&["max(i)", "count(*)::int", "min(i)"]);
                let alias = self.name();
                format!("(SELECT {over} FROM ({query}) AS {alias})")
            }
            2 => {
                self.deep = true;
                self.pick(&["wipe()", "deep_wipe()"]).to_owned()
            }
            3 if depth > 0 => {
                let relation = self.relation();
                format!("(SELECT count(*)::int FROM {})", relation.name)
            }
            _ => self.dice.below(9).to_string(),
        }
    }

    fn text(&mut self, depth: usize) -> String {
        if self.scopes.is_empty() {
            return "'x'".to_owned();
        }
        let at = self.dice.below(self.scopes.len());
        let scope = &self.scopes[at];
        let column = format!("{}.{}", scope.alias, scope.text);
        match self.dice.below(10) {
            0 => format!("upper({column})"),
            1 => format!("{column} || 'x'"),
            2 => format!("({})::text", self.int(depth.saturating_sub(1))),
            3 => format!("{}::text", self.scopes[at].alias),
            4 => format!("to_json({})::text", self.scopes[at].alias),
            5 if depth > 0 => {
                let query = self.query(depth - 1);
                let alias = self.name();
                format!("(SELECT max(t) FROM ({query}) AS {alias})")
            }
            6 => {
                self.deep = true;
                "read_secrets()".to_owned()
            }
            _ => column,
        }
    }

    fn condition(&mut self, depth: usize) -> String {
        let int = self.int(depth.saturating_sub(1));
        match self.dice.below(12) {
            0 if depth > 0 => format!("{} AND {}", self.condition(depth - 1), self.condition(depth - 1)),
            1 if depth > 0 => format!("({} OR {})", self.condition(depth - 1), self.condition(depth - 1)),
            2 if depth > 0 => format!("NOT ({})", self.condition(depth - 1)),
            3 if depth > 0 => {
                let query = self.query(depth - 1);
                let alias = self.name();
                format!("{int} IN (SELECT i FROM ({query}) AS {alias})")
            }
            4 if depth > 0 => format!("EXISTS ({})", self.query(depth - 1)),
            5 if depth > 0 => {
                let query = self.query(depth - 1);
                let alias = self.name();
                format!("{int} <> ALL (SELECT i FROM ({query}) AS {alias})")
            }
            6 => format!("{int} IS NOT NULL"),
            7 => format!("{int} BETWEEN 0 AND {}", self.free_int(depth.saturating_sub(1))),
            8 => self.pick(&["true", "1 = 1", "NOT false"]).to_owned(),
            9 => format!("{} LIKE '%'", self.text(depth.saturating_sub(1))),
            10 if self.dice.one_in(6) => {
                self.deep = true;
                format!("{int} === 3")
            }
            _ => format!("{int} {} {}", self.pick(&["=", "<", ">", "<>", "<=", ">="]), self.dice.below(9)),
        }
    }

    fn returning(&mut self, depth: usize, always: bool) -> String {
        if always || self.dice.one_in(2) {
            format!(" RETURNING {} AS i, {} AS t", self.int(depth), self.text(depth))
        } else {
            String::new()
        }
    }

    fn insert(&mut self, depth: usize) -> String {
        let relation = self.table();
        let hidden = std::mem::take(&mut self.scopes);
        let rows = match (relation.name, self.dice.below(3)) {
            // A partition by its kind, whatever else is written.
            ("parted", _) => format!("SELECT i, 'a' FROM ({}) AS s", self.query(depth.saturating_sub(1))),
            ("parted_a", _) => format!("VALUES ({}, 'a')", self.free_int(depth)),
            (_, 0) => format!("VALUES ({}, 'x')", self.free_int(depth)),
            _ => self.query(depth.saturating_sub(1)),
        };
        let alias = self.see(relation.int, relation.text);
        let conflict = match (relation.name, self.dice.below(3)) {
            ("customers" | "items" | "orders", 0) => {
                format!(" ON CONFLICT (id) DO UPDATE SET {} = {}", relation.text, self.text(depth))
            }
            ("customers" | "items" | "orders", _) => " ON CONFLICT DO NOTHING".to_owned(),
            _ => String::new(),
        };
        let returning = if relation.name == "ruled" { String::new() } else { self.returning(depth, false) };
        self.scopes = hidden;
        let Relation { name, int, text, .. } = relation;
        format!("INSERT INTO {name} AS {alias} ({int}, {text}) {rows}{conflict}{returning}")
    }

    fn update(&mut self, depth: usize) -> String {
        let relation = self.table();
        let hidden = std::mem::take(&mut self.scopes);
        let alias = self.see(relation.int, relation.text);
        let mut from = String::new();
        if self.dice.one_in(4) {
            // What is updated is not in sight of its FROM.
            let target = std::mem::take(&mut self.scopes);
            from = format!(" FROM {}", self.source(depth));
            self.scopes.splice(0..0, target);
        }
        // Its key would be taken twice, and a partition's kind would not fit.
        let set = match relation.name {
            "parted_a" => "n = 1".to_owned(),
            "parted" => "kind = 'a'".to_owned(),
            _ => format!("{} = {}", relation.text, self.text(depth)),
        };
        let condition =
            if self.dice.one_in(4) { String::new() } else { format!(" WHERE {}", self.condition(depth)) };
        let returning = self.returning(depth, false);
        self.scopes = hidden;
        let only = if relation.deep && self.dice.one_in(4) { "ONLY " } else { "" };
        format!("UPDATE {only}{} AS {alias} SET {set}{from}{condition}{returning}", relation.name)
    }

    fn delete(&mut self, depth: usize) -> String {
        let relation = self.table();
        let hidden = std::mem::take(&mut self.scopes);
        let alias = self.see(relation.int, relation.text);
        let mut using = String::new();
        if self.dice.one_in(4) {
            let target = std::mem::take(&mut self.scopes);
            using = format!(" USING {}", self.source(depth));
            self.scopes.splice(0..0, target);
        }
        let condition =
            if self.dice.one_in(4) { String::new() } else { format!(" WHERE {}", self.condition(depth)) };
        let returning = if relation.name == "ruled" { String::new() } else { self.returning(depth, false) };
        self.scopes = hidden;
        let only = if relation.deep && self.dice.one_in(4) { "ONLY " } else { "" };
        format!("DELETE FROM {only}{} AS {alias}{using}{condition}{returning}", relation.name)
    }

    fn merge(&mut self, depth: usize) -> String {
        let relation = self.table();
        self.scopes.clear();
        let source = self.source(depth);
        let alias = self.see(relation.int, relation.text);
        let on = if self.dice.one_in(5) {
            "true".to_owned()
        } else {
            format!("{} = {}", self.column(0), self.column(1))
        };
        let set = if relation.name.starts_with("parted") {
            "kind = 'a'".to_owned()
        } else {
            format!("{} = {}", relation.text, self.text(depth))
        };
        let and = if self.dice.one_in(3) { format!(" AND {}", self.condition(depth)) } else { String::new() };
        let matched = match self.dice.below(3) {
            0 => "DELETE".to_owned(),
            1 => format!("UPDATE SET {set}"),
            _ => "DO NOTHING".to_owned(),
        };
        let hidden = std::mem::take(&mut self.scopes);
        self.scopes = hidden[..hidden.len() - 1].to_vec();
        let other = format!(
            " WHEN NOT MATCHED THEN INSERT ({}, {}) VALUES ({}, 'a')",
            relation.int,
            relation.text,
            self.int(depth)
        );
        let other = if self.dice.one_in(2) { other } else { String::new() };
        self.scopes.clear();
        format!(
            "MERGE INTO {} AS {alias} USING {source} ON {on} WHEN MATCHED{and} THEN {matched}{other}",
            relation.name
        )
    }

    fn truncate(&mut self) -> String {
        let relation = self.table();
        // Foreign keys refuse it without: those are reached as well.
        let cascade = if relation.deep { " CASCADE" } else { "" };
        let only = if self.dice.one_in(4) && relation.name != "parted" { "ONLY " } else { "" };
        format!("TRUNCATE {only}{}{cascade}", relation.name)
    }
}
