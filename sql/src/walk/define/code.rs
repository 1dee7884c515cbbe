//! Functions, triggers, rules, policies, casts: definitions that hold code, which runs whenever they are used.

use crate::analysis::ChangeKind;
use crate::code::Code;
use crate::walk::name::type_path;
use crate::walk::{Walk, strings};
use pg_query::NodeEnum as E;
use pg_query::protobuf::{
    AlterFunctionStmt, AlterPolicyStmt, CreateCastStmt, CreateConversionStmt, CreateFunctionStmt,
    CreatePolicyStmt, CreateTrigStmt, Node, RuleStmt,
};
use sallyport_core::{Action, ObjectKind};

impl Walk {
    pub(super) fn alter_function(&mut self, alter: &AlterFunctionStmt) {
        let path = alter.func.as_ref().map(|function| strings(&function.objname)).unwrap_or_default();
        self.exprs(&alter.actions);
        self.function(Action::Alter, path);
    }

    pub(super) fn create_trigger(&mut self, create: &CreateTrigStmt) {
        self.opt(create.when_clause.as_deref());
        self.effect(Action::Create, ObjectKind::Other, vec![create.trigname.clone()]);
        self.calls(strings(&create.funcname));
        self.altered_relation(create.relation.as_ref());
    }

    pub(super) fn create_rule(&mut self, rule: &RuleStmt) {
        // The actions run at every later write or read: their effects are this statement's.
        self.in_row_scope(|walk| {
            walk.row_name("old");
            walk.row_name("new");
            walk.opt(rule.where_clause.as_deref());
            for action in &rule.actions {
                walk.rule_action(action);
            }
        });
        self.effect(Action::Create, ObjectKind::Other, vec![rule.rulename.clone()]);
        self.altered_relation(rule.relation.as_ref());
    }

    pub(super) fn create_policy(&mut self, policy: &CreatePolicyStmt) {
        self.opt(policy.qual.as_deref());
        self.opt(policy.with_check.as_deref());
        self.effect(Action::Create, ObjectKind::Other, vec![policy.policy_name.clone()]);
        self.altered_relation(policy.table.as_ref());
    }

    pub(super) fn alter_policy(&mut self, policy: &AlterPolicyStmt) {
        self.opt(policy.qual.as_deref());
        self.opt(policy.with_check.as_deref());
        self.effect(Action::Alter, ObjectKind::Other, vec![policy.policy_name.clone()]);
        self.altered_relation(policy.table.as_ref());
    }

    pub(super) fn create_conversion(&mut self, create: &CreateConversionStmt) {
        self.calls(strings(&create.func_name));
        self.type_change(Action::Create, strings(&create.conversion_name));
    }

    pub(super) fn create_cast(&mut self, create: &CreateCastStmt) {
        if let Some(function) = &create.func {
            self.calls(strings(&function.objname));
        }
        let path = create.targettype.as_ref().map(type_path).unwrap_or_default();
        self.type_change(Action::Create, path);
    }

    pub(super) fn create_function(&mut self, create: &CreateFunctionStmt) {
        self.exprs(&create.parameters);
        // Whatever it will do belongs to its definition as well: a catalog shows it only when the definition is committed.
        match create.sql_body.as_deref() {
            Some(body) => self.function_body(body),
            None => self.function_text(&create.options),
        }
        let path = strings(&create.funcname);
        // It may call itself.
        self.routines.functions.retain(|called| called.last() != path.last());
        self.function(Action::Create, path);
    }

    pub(super) fn function_body(&mut self, body: &Node) {
        match &body.node {
            Some(E::List(list)) => {
                for item in &list.items {
                    self.function_body(item);
                }
            }
            Some(E::ReturnStmt(value)) => self.in_row_scope(|walk| walk.opt(value.returnval.as_deref())),
            Some(
                E::SelectStmt(_) | E::InsertStmt(_) | E::UpdateStmt(_) | E::DeleteStmt(_) | E::MergeStmt(_),
            ) => self.nested(Some(body)),
            Some(other) => drop(self.definition(other)),
            None => {}
        }
    }

    /// A body in a string.
    fn function_text(&mut self, options: &[Node]) {
        self.literal_sensitive = true;
        let (mut language, mut body) = (String::new(), None);
        for option in options {
            let Some(E::DefElem(option)) = &option.node else { continue };
            match (option.defname.as_str(), option.arg.as_deref().and_then(|arg| arg.node.as_ref())) {
                ("language", Some(E::String(name))) => language.clone_from(&name.sval),
                ("as", Some(E::List(list))) => body = strings(&list.items).into_iter().next(),
                _ => {}
            }
        }
        let code = match (language.as_str(), body) {
            ("sql", Some(body)) => Code::of_sql(&body),
            ("plpgsql", Some(body)) => Code::of_plpgsql(&body),
            _ => Code::unknown(),
        };
        if code.unknown {
            self.unknown();
        }
        for statement in code.statements {
            self.effects.extend(statement.effects);
            self.routines.absorb(statement.routines);
        }
    }

    pub(super) fn rule_action(&mut self, action: &Node) {
        match &action.node {
            Some(
                E::SelectStmt(_) | E::InsertStmt(_) | E::UpdateStmt(_) | E::DeleteStmt(_) | E::MergeStmt(_),
            ) => self.nested(Some(action)),
            Some(E::NotifyStmt(notify)) => {
                self.effect(Action::Notify, ObjectKind::Channel, vec![notify.conditionname.clone()]);
            }
            Some(E::List(list)) => {
                for item in &list.items {
                    self.rule_action(item);
                }
            }
            Some(_) => self.unknown(),
            None => {}
        }
    }

    pub(super) fn function(&mut self, action: Action, path: Vec<String>) {
        self.changed_named(ChangeKind::Function, &path);
        self.effect(action, ObjectKind::Function, path);
    }
}
