//! INSERT, UPDATE, DELETE, MERGE: what is written, what is read to write it, and whether a filter narrows it.

use super::query::Place;
use super::tables::Plainness;
use super::{Walk, table_name};
use crate::outputs::{Output, Outputs, Uses};
use crate::relations::TableName;
use crate::whole::{self, Target};
use pg_query::NodeEnum;
use pg_query::protobuf::{
    CmdType, DeleteStmt, InsertStmt, MergeMatchKind, MergeStmt, MergeWhenClause, Node, OnConflictAction,
    OnConflictClause, RangeVar, ReturningClause, UpdateStmt,
};
use sallyport_core::Action;
use std::collections::BTreeMap;

impl Walk {
    pub(super) fn insert(&mut self, insert: &InsertStmt) -> Outputs {
        let InsertStmt {
            relation,
            cols,
            select_stmt,
            on_conflict_clause,
            returning_clause,
            with_clause,
            r#override: _,
        } = insert;
        self.enter_with(with_clause.as_ref());
        self.rows.push(BTreeMap::new());
        let target = self.target_row(relation.as_ref());
        self.write(Action::Insert, target.clone(), false);
        self.assigned(cols);
        let mut source = (None, Outputs::None);
        let mut taint = match select_stmt.as_deref().map(|node| node.node.as_ref()) {
            Some(Some(NodeEnum::SelectStmt(select))) => self.uses_of(|walk| {
                walk.rows.push(BTreeMap::new());
                source = (Some(&**select), walk.select(select, Place::Within));
                walk.rows.pop();
            }),
            Some(_) => self.uses_of(|walk| {
                walk.unknown();
                source.1 = Outputs::Unknown;
            }),
            None => Uses::default(),
        };
        taint.wide |= self.inner_star;
        self.inserted(&target, cols, source, &taint);
        if let Some(conflict) = on_conflict_clause {
            taint.absorb(&self.on_conflict(conflict, insert, &target));
        }
        let outputs = self.returning(returning_clause.as_ref(), &target, &taint);
        self.rows.pop();
        self.leave_with();
        outputs
    }

    fn on_conflict(&mut self, conflict: &OnConflictClause, insert: &InsertStmt, target: &TableName) -> Uses {
        self.row_name("excluded");
        if let Some(infer) = &conflict.infer {
            self.exprs(&infer.index_elems);
            self.opt(infer.where_clause.as_deref());
        }
        let taint = self.set_columns(target, &conflict.target_list, Plainness::Plain);
        let filter = self.filtering(conflict.where_clause.as_deref());
        match OnConflictAction::try_from(conflict.action) {
            Ok(OnConflictAction::OnconflictUpdate) => {
                // A LIMIT of the source counts as well.
                self.literal_sensitive = true;
                let narrowed = conflict.where_clause.as_deref().is_some_and(|filter| {
                    self.narrows(filter, &Target::new(target, None, &[], &self.ctes_in_sight()))
                });
                let whole = !narrowed
                    && whole::feeds_itself(insert.select_stmt.as_deref(), target, &self.ctes_in_sight());
                self.write(Action::Update, target.clone(), whole);
                if !taint.is_constant() || !filter.is_constant() {
                    self.read(target.clone());
                }
            }
            Ok(OnConflictAction::OnconflictNothing) => {}
            Ok(OnConflictAction::Undefined | OnConflictAction::OnconflictNone) | Err(_) => self.unknown(),
        }
        taint
    }

    pub(super) fn update(&mut self, update: &UpdateStmt) -> Outputs {
        let UpdateStmt { relation, target_list, where_clause, from_clause, returning_clause, with_clause } =
            update;
        self.enter_with(with_clause.as_ref());
        self.rows.push(BTreeMap::new());
        let target = self.target_row(relation.as_ref());
        let plainness = self.sources(from_clause);
        let taint = self.set_columns(&target, target_list, plainness);
        let filter = self.filtering(where_clause.as_deref());
        let whole = self.is_whole(where_clause.as_deref(), relation.as_ref(), from_clause);
        self.write(Action::Update, target.clone(), whole);
        if !taint.is_constant() || !filter.is_constant() {
            self.read(target.clone());
        }
        let outputs = self.returning(returning_clause.as_ref(), &target, &taint);
        self.rows.pop();
        self.leave_with();
        outputs
    }

    pub(super) fn delete(&mut self, delete: &DeleteStmt) -> Outputs {
        let DeleteStmt { relation, using_clause, where_clause, returning_clause, with_clause } = delete;
        self.enter_with(with_clause.as_ref());
        self.rows.push(BTreeMap::new());
        let target = self.target_row(relation.as_ref());
        self.sources(using_clause);
        let filter = self.filtering(where_clause.as_deref());
        let whole = self.is_whole(where_clause.as_deref(), relation.as_ref(), using_clause);
        self.write(Action::Delete, target.clone(), whole);
        if !filter.is_constant() {
            self.read(target.clone());
        }
        let outputs = self.returning(returning_clause.as_ref(), &target, &Uses::default());
        self.rows.pop();
        self.leave_with();
        outputs
    }

    pub(super) fn merge(&mut self, merge: &MergeStmt) -> Outputs {
        let MergeStmt {
            relation,
            source_relation,
            join_condition,
            merge_when_clauses,
            returning_clause,
            with_clause,
        } = merge;
        self.enter_with(with_clause.as_ref());
        self.rows.push(BTreeMap::new());
        let target = self.target_row(relation.as_ref());
        let sources: &[Node] = source_relation.as_deref().map_or(&[], std::slice::from_ref);
        let plainness = self.sources(sources);
        // The values first: what the conditions name is not behind them.
        let taints: Vec<Uses> =
            merge_when_clauses.iter().map(|clause| self.merge_assigns(clause, &target, plainness)).collect();
        let joined = self.filtering(join_condition.as_deref());
        if !joined.is_constant() {
            self.read(target.clone());
        }
        let all_joined = self.is_whole(join_condition.as_deref(), relation.as_ref(), sources);
        let mut taint = Uses::default();
        for (clause, assigned) in merge_when_clauses.iter().zip(taints) {
            let Some(NodeEnum::MergeWhenClause(clause)) = &clause.node else { continue };
            let rest = !self.is_whole(clause.condition.as_deref(), relation.as_ref(), sources);
            self.merge_clause(clause, &target, &assigned, all_joined, rest);
            taint.absorb(&assigned);
        }
        if !taint.is_constant() {
            taint.absorb(&self.uses);
            taint.wide |= self.inner_star;
        }
        let outputs = self.returning(returning_clause.as_ref(), &target, &taint);
        self.rows.pop();
        self.leave_with();
        outputs
    }

    fn merge_assigns(&mut self, clause: &Node, target: &TableName, plainness: Plainness) -> Uses {
        let Some(NodeEnum::MergeWhenClause(clause)) = &clause.node else {
            self.unknown();
            return Uses::default();
        };
        if CmdType::try_from(clause.command_type) != Ok(CmdType::CmdInsert) {
            return self.set_columns(target, &clause.target_list, plainness);
        }
        self.assigned(&clause.target_list);
        self.merge_values(target, &clause.target_list, &clause.values, plainness)
    }

    fn merge_clause(
        &mut self,
        clause: &MergeWhenClause,
        target: &TableName,
        assigned: &Uses,
        all_joined: bool,
        narrowed: bool,
    ) {
        let matched = match MergeMatchKind::try_from(clause.match_kind) {
            Ok(MergeMatchKind::MergeWhenMatched | MergeMatchKind::MergeWhenNotMatchedByTarget) => all_joined,
            // Rows without a partner: as many as the source leaves, so possibly all.
            Ok(MergeMatchKind::MergeWhenNotMatchedBySource) => true,
            Ok(MergeMatchKind::Undefined) | Err(_) => {
                self.unknown();
                true
            }
        };
        let whole = matched && !narrowed;
        let condition = self.filtering(clause.condition.as_deref());
        match CmdType::try_from(clause.command_type) {
            Ok(CmdType::CmdInsert) => self.write(Action::Insert, target.clone(), false),
            Ok(CmdType::CmdUpdate) => self.write(Action::Update, target.clone(), whole),
            Ok(CmdType::CmdDelete) => self.write(Action::Delete, target.clone(), whole),
            Ok(CmdType::CmdNothing) => {}
            Ok(
                CmdType::Undefined
                | CmdType::CmdUnknown
                | CmdType::CmdSelect
                | CmdType::CmdMerge
                | CmdType::CmdUtility,
            )
            | Err(_) => self.unknown(),
        }
        if !condition.is_constant() || !assigned.is_constant() {
            self.read(target.clone());
        }
    }

    /// The table written to: always a real one, whatever common table expressions are called.
    fn target_row(&mut self, relation: Option<&RangeVar>) -> TableName {
        let Some(range) = relation else {
            self.unknown();
            return TableName { schema: None, name: String::new() };
        };
        self.see_table(range, Some(table_name(range)));
        table_name(range)
    }

    fn filtering(&mut self, condition: Option<&Node>) -> Uses {
        let mut uses = Uses::default();
        self.filter(|walk| uses = walk.uses_of(|walk| walk.opt(condition)));
        uses
    }

    /// The columns assigned to are not read; subscripts and values are.
    fn assigned(&mut self, targets: &[Node]) {
        for target in targets {
            match &target.node {
                Some(NodeEnum::ResTarget(target)) => {
                    self.subscripts(&target.indirection);
                    self.opt(target.val.as_deref());
                }
                _ => self.unknown(),
            }
        }
    }

    pub(super) fn subscripts(&mut self, indirection: &[Node]) {
        for step in indirection {
            if let Some(NodeEnum::AIndices(_)) = &step.node {
                self.expr(step);
            }
        }
    }

    /// RETURNING reads the table. A column may hold what was just computed from others: then its origin is not enough.
    fn returning(&mut self, clause: Option<&ReturningClause>, target: &TableName, taint: &Uses) -> Outputs {
        self.columns = Some(Vec::new());
        let Some(ReturningClause { options, exprs }) = clause else { return Outputs::None };
        if exprs.is_empty() {
            return Outputs::None;
        }
        for name in ["old", "new"] {
            self.row_name(name);
        }
        for option in options {
            if let Some(NodeEnum::ReturningOption(option)) = &option.node {
                self.row_name(&option.value);
            }
        }
        let list = self.targets(exprs, Place::Top);
        let reads = list.iter().any(|output| match output {
            Output::Star(_) => true,
            Output::Direct { uses, .. } | Output::Derived(uses) => !uses.is_constant(),
        });
        if reads {
            self.read(target.clone());
        }
        self.columns = Some(super::query::named(exprs, &list));
        let list = self.settle(list, Plainness::Mixed);
        if taint.is_constant() {
            return Outputs::List(list);
        }
        if list.iter().any(|output| matches!(output, Output::Star(_))) {
            return Outputs::Unknown;
        }
        Outputs::List(list.into_iter().map(|output| Output::Derived(tainted(output, taint))).collect())
    }

    /// Whether all rows may be written: no filter, or one that may filter nothing.
    fn is_whole(&mut self, filter: Option<&Node>, relation: Option<&RangeVar>, others: &[Node]) -> bool {
        let (Some(filter), Some(range)) = (filter, relation) else { return true };
        let alias = range.alias.as_ref().map(|alias| alias.aliasname.as_str());
        !self.narrows(filter, &Target::new(&table_name(range), alias, others, &self.ctes_in_sight()))
    }

    fn narrows(&mut self, filter: &Node, target: &Target) -> bool {
        let (narrows, looked) = whole::narrows(filter, target);
        self.literal_sensitive |= looked;
        narrows
    }
}

fn tainted(output: Output, taint: &Uses) -> Uses {
    let (Output::Star(mut uses) | Output::Direct { mut uses, .. } | Output::Derived(mut uses)) = output;
    if !uses.is_constant() {
        uses.absorb(taint);
    }
    uses
}
