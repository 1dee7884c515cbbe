//! A function by its name: nothing, a `call`, a `call` and what it is known to do besides, or a `call` of nobody knows what.

use super::{Walk, constant};
use crate::functions::{self, Meant, Reach};
use crate::relations::TableName;
use pg_query::NodeEnum;
use pg_query::protobuf::Node;
use sallyport_core::{Action, ObjectKind};

impl Walk {
    pub(super) fn function_name(&mut self, path: &[String], args: &[Node]) {
        self.routines.functions.insert(path.to_vec());
        let meant = functions::meant(path);
        if meant == Meant::Nothing {
            return;
        }
        let reach = functions::reach(path);
        let builtin = meant == Meant::Known;
        let set_like = builtin && reach == [Reach::SetSetting] && is_plain_set(args);
        if !set_like && (reach != [Reach::ReadSetting] || !builtin) {
            self.effect(Action::Call, ObjectKind::Function, path.to_vec());
            // What it returns may be anything it can reach.
            self.uses.wide |= reach != [Reach::Sequence] || !builtin;
        }
        if meant == Meant::Unlisted {
            // Stays, unless a catalog has a function of that name: then the call says it all.
            self.effect(Action::Unknown, ObjectKind::Function, path.to_vec());
        }
        for one in reach {
            self.reaches(*one, args);
        }
    }

    fn reaches(&mut self, reach: Reach, args: &[Node]) {
        // The names below come from arguments, whose values then matter.
        self.literal_sensitive = true;
        let named =
            |place: usize| args.get(place).and_then(constant).map_or_else(Vec::new, |name| vec![name]);
        match reach {
            Reach::FileRead(place) => {
                self.effect(Action::FileRead, ObjectKind::File, place.map_or_else(Vec::new, named));
            }
            Reach::FileWrite(place) => self.effect(Action::FileWrite, ObjectKind::File, named(place)),
            Reach::ConnectOut => {
                // Never the connection string: it may hold a password.
                self.effect(Action::ConnectOut, ObjectKind::Host, Vec::new());
                self.unknown();
            }
            Reach::Dynamic => self.unknown(),
            Reach::Reads(schema, name) => {
                self.read(TableName { schema: schema.map(str::to_owned), name: name.to_owned() });
            }
            Reach::SetSetting => match args.first().and_then(constant) {
                Some(name) => {
                    let value = args.get(1).and_then(constant);
                    if !keeps_names(&name, value.as_deref()) {
                        self.unknown();
                    }
                    self.set_setting(&name, value.as_deref());
                }
                None => self.unknown(),
            },
            Reach::ReadSetting => {
                let name = named(0).into_iter().map(|name| name.to_ascii_lowercase()).collect();
                self.effect(Action::Read, ObjectKind::Setting, name);
            }
            Reach::Sequence => self.effect(Action::Update, ObjectKind::Other, named(0)),
            Reach::Lock => self.effect(Action::Lock, ObjectKind::Other, Vec::new()),
            Reach::Notify => self.effect(Action::Notify, ObjectKind::Channel, named(0)),
            Reach::Admin => self.effect(Action::Admin, ObjectKind::Target, Vec::new()),
            Reach::Maintenance => self.effect(Action::Maintenance, ObjectKind::Target, Vec::new()),
            Reach::LargeRead => self.read(large_objects()),
            Reach::LargeCreate => self.write(Action::Insert, large_objects(), false),
            Reach::LargeWrite => self.write(Action::Update, large_objects(), false),
            Reach::LargeDrop => self.write(Action::Delete, large_objects(), false),
        }
    }
}

/// `set_config('name', 'value' or $1, false)` is SET in the words of drivers. With a value out of a table it would be
/// a place to put what a mask hides, and stays a call.
fn is_plain_set(args: &[Node]) -> bool {
    let given = |node: &Node| constant(node).is_some() || is_parameter(node);
    matches!(args, [name, value, local] if constant(name).is_some() && given(value) && given(local))
}

fn is_parameter(node: &Node) -> bool {
    match &node.node {
        Some(NodeEnum::ParamRef(_)) => true,
        Some(NodeEnum::TypeCast(cast)) => cast.arg.as_deref().is_some_and(is_parameter),
        _ => false,
    }
}

/// A function call that moves the search path may run, or not, in the middle of a statement: what later names mean is
/// not known then. The empty path leads every bare name to nothing, so that no name is mistaken.
fn keeps_names(name: &str, value: Option<&str>) -> bool {
    !name.eq_ignore_ascii_case("search_path") || value == Some("")
}

fn large_objects() -> TableName {
    TableName { schema: Some("pg_catalog".to_owned()), name: "pg_largeobject".to_owned() }
}
