//! Every expression: which columns it names, which functions it calls, which subqueries it holds.

use super::query::Place;
use super::{Walk, strings};
use crate::functions;
use crate::outputs::Uses;
use pg_query::NodeEnum as E;
use pg_query::protobuf::{AExpr, AExprKind, ColumnRef, FuncCall, Node, SubLink, WindowDef};
use sallyport_core::{Action, ObjectKind};
use std::collections::BTreeMap;

impl Walk {
    pub(super) fn opt(&mut self, node: Option<&Node>) {
        if let Some(node) = node {
            self.expr(node);
        }
    }

    pub(super) fn exprs(&mut self, nodes: &[Node]) {
        for node in nodes {
            self.expr(node);
        }
    }

    pub(super) fn expr(&mut self, node: &Node) {
        let Some(node) = &node.node else { return };
        match node {
            E::ColumnRef(column) => self.column(column),
            E::AConst(_)
            | E::ParamRef(_)
            | E::SqlvalueFunction(_)
            | E::SetToDefault(_)
            | E::MergeSupportFunc(_)
            | E::CurrentOfExpr(_)
            | E::Integer(_)
            | E::Float(_)
            | E::Boolean(_)
            | E::String(_)
            | E::BitString(_)
            | E::RoleSpec(_)
            | E::JsonFormat(_)
            | E::Alias(_) => {}
            E::AStar(_) => self.uses.wide = true,
            E::AExpr(expr) => self.operator(expr),
            E::BoolExpr(expr) => self.exprs(&expr.args),
            E::NullTest(test) => self.opt(test.arg.as_deref()),
            E::BooleanTest(test) => self.opt(test.arg.as_deref()),
            E::SubLink(link) => self.sub_link(link),
            E::FuncCall(call) => self.call(call),
            E::TypeCast(cast) => {
                self.opt(cast.arg.as_deref());
                self.cast_to(cast.type_name.as_ref());
            }
            E::CollateClause(collate) => self.opt(collate.arg.as_deref()),
            E::CaseExpr(case) => {
                self.filter_one(case.arg.as_deref());
                self.exprs(&case.args);
                self.opt(case.defresult.as_deref());
            }
            E::CaseWhen(when) => {
                self.filter_one(when.expr.as_deref());
                self.opt(when.result.as_deref());
            }
            E::AArrayExpr(array) => self.exprs(&array.elements),
            E::RowExpr(row) => self.exprs(&row.args),
            E::CoalesceExpr(expr) => self.exprs(&expr.args),
            E::MinMaxExpr(expr) => self.exprs(&expr.args),
            E::GroupingFunc(grouping) => self.exprs(&grouping.args),
            E::GroupingSet(set) => self.exprs(&set.content),
            E::NamedArgExpr(named) => self.opt(named.arg.as_deref()),
            E::AIndirection(step) => self.indirection(step.arg.as_deref(), &step.indirection),
            E::AIndices(indices) => {
                self.opt(indices.lidx.as_deref());
                self.opt(indices.uidx.as_deref());
            }
            E::MultiAssignRef(assign) => self.opt(assign.source.as_deref()),
            E::ResTarget(target) => {
                self.exprs(&target.indirection);
                self.opt(target.val.as_deref());
            }
            E::SortBy(sort) => {
                self.opt(sort.node.as_deref());
                self.operator_name(&strings(&sort.use_op));
            }
            E::WindowDef(window) => self.window(window),
            E::List(list) => self.exprs(&list.items),
            E::XmlExpr(xml) => {
                self.exprs(&xml.named_args);
                self.exprs(&xml.args);
            }
            E::XmlSerialize(xml) => {
                self.opt(xml.expr.as_deref());
                self.cast_to(xml.type_name.as_ref());
            }
            E::RangeTableFuncCol(column) => {
                self.opt(column.colexpr.as_deref());
                self.opt(column.coldefexpr.as_deref());
                self.cast_to(column.type_name.as_ref());
            }
            E::IndexElem(element) => {
                if !element.name.is_empty() {
                    self.uses.columns.insert(element.name.clone());
                }
                self.opt(element.expr.as_deref());
            }
            E::PartitionElem(element) => {
                if !element.name.is_empty() {
                    self.uses.columns.insert(element.name.clone());
                }
                self.opt(element.expr.as_deref());
            }
            E::StatsElem(element) => self.opt(element.expr.as_deref()),
            E::DefElem(element) => self.opt(element.arg.as_deref()),
            E::TypeName(name) => self.cast_to(Some(name)),
            E::ReturningExpr(returning) => self.opt(returning.retexpr.as_deref()),
            E::ColumnDef(column) => self.column_definition(column),
            E::Constraint(constraint) => self.constraint(constraint),
            E::PartitionRangeDatum(datum) => self.opt(datum.value.as_deref()),
            E::FunctionParameter(parameter) => self.opt(parameter.defexpr.as_deref()),
            E::JsonValueExpr(_)
            | E::JsonIsPredicate(_)
            | E::JsonBehavior(_)
            | E::JsonArgument(_)
            | E::JsonFuncExpr(_)
            | E::JsonTablePathSpec(_)
            | E::JsonTable(_)
            | E::JsonTableColumn(_)
            | E::JsonKeyValue(_)
            | E::JsonParseExpr(_)
            | E::JsonScalarExpr(_)
            | E::JsonSerializeExpr(_)
            | E::JsonObjectConstructor(_)
            | E::JsonArrayConstructor(_)
            | E::JsonArrayQueryConstructor(_)
            | E::JsonAggConstructor(_)
            | E::JsonObjectAgg(_)
            | E::JsonArrayAgg(_) => self.json(node),
            // Never within an expression of a parsed text: made by later stages, or statements of their own.
            E::SelectStmt(_)
            | E::RangeVar(_)
            | E::TableFunc(_)
            | E::IntoClause(_)
            | E::Var(_)
            | E::Param(_)
            | E::Aggref(_)
            | E::WindowFunc(_)
            | E::WindowFuncRunCondition(_)
            | E::SubscriptingRef(_)
            | E::FuncExpr(_)
            | E::OpExpr(_)
            | E::DistinctExpr(_)
            | E::NullIfExpr(_)
            | E::ScalarArrayOpExpr(_)
            | E::SubPlan(_)
            | E::AlternativeSubPlan(_)
            | E::FieldSelect(_)
            | E::FieldStore(_)
            | E::RelabelType(_)
            | E::CoerceViaIo(_)
            | E::ArrayCoerceExpr(_)
            | E::ConvertRowtypeExpr(_)
            | E::CollateExpr(_)
            | E::CaseTestExpr(_)
            | E::ArrayExpr(_)
            | E::RowCompareExpr(_)
            | E::JsonReturning(_)
            | E::JsonConstructorExpr(_)
            | E::JsonExpr(_)
            | E::JsonTablePath(_)
            | E::JsonTablePathScan(_)
            | E::JsonTableSiblingJoin(_)
            | E::MergeAction(_)
            | E::CoerceToDomain(_)
            | E::CoerceToDomainValue(_)
            | E::NextValueExpr(_)
            | E::InferenceElem(_)
            | E::TargetEntry(_)
            | E::RangeTblRef(_)
            | E::JoinExpr(_)
            | E::FromExpr(_)
            | E::OnConflictExpr(_)
            | E::Query(_)
            | E::RangeSubselect(_)
            | E::RangeFunction(_)
            | E::RangeTableFunc(_)
            | E::RangeTableSample(_)
            | E::TableLikeClause(_)
            | E::LockingClause(_)
            | E::PartitionSpec(_)
            | E::PartitionBoundSpec(_)
            | E::PartitionCmd(_)
            | E::RangeTblEntry(_)
            | E::RtepermissionInfo(_)
            | E::RangeTblFunction(_)
            | E::TableSampleClause(_)
            | E::WithCheckOption(_)
            | E::SortGroupClause(_)
            | E::WindowClause(_)
            | E::RowMarkClause(_)
            | E::WithClause(_)
            | E::InferClause(_)
            | E::OnConflictClause(_)
            | E::CtesearchClause(_)
            | E::CtecycleClause(_)
            | E::CommonTableExpr(_)
            | E::MergeWhenClause(_)
            | E::ReturningOption(_)
            | E::ReturningClause(_)
            | E::TriggerTransition(_)
            | E::JsonOutput(_)
            | E::RawStmt(_)
            | E::InsertStmt(_)
            | E::DeleteStmt(_)
            | E::UpdateStmt(_)
            | E::MergeStmt(_)
            | E::SetOperationStmt(_)
            | E::ReturnStmt(_)
            | E::PlassignStmt(_)
            | E::CreateSchemaStmt(_)
            | E::AlterTableStmt(_)
            | E::AlterTableCmd(_)
            | E::AtalterConstraint(_)
            | E::ReplicaIdentityStmt(_)
            | E::AlterCollationStmt(_)
            | E::AlterDomainStmt(_)
            | E::GrantStmt(_)
            | E::ObjectWithArgs(_)
            | E::AccessPriv(_)
            | E::GrantRoleStmt(_)
            | E::AlterDefaultPrivilegesStmt(_)
            | E::CopyStmt(_)
            | E::VariableSetStmt(_)
            | E::VariableShowStmt(_)
            | E::CreateStmt(_)
            | E::CreateTableSpaceStmt(_)
            | E::DropTableSpaceStmt(_)
            | E::AlterTableSpaceOptionsStmt(_)
            | E::AlterTableMoveAllStmt(_)
            | E::CreateExtensionStmt(_)
            | E::AlterExtensionStmt(_)
            | E::AlterExtensionContentsStmt(_)
            | E::CreateFdwStmt(_)
            | E::AlterFdwStmt(_)
            | E::CreateForeignServerStmt(_)
            | E::AlterForeignServerStmt(_)
            | E::CreateForeignTableStmt(_)
            | E::CreateUserMappingStmt(_)
            | E::AlterUserMappingStmt(_)
            | E::DropUserMappingStmt(_)
            | E::ImportForeignSchemaStmt(_)
            | E::CreatePolicyStmt(_)
            | E::AlterPolicyStmt(_)
            | E::CreateAmStmt(_)
            | E::CreateTrigStmt(_)
            | E::CreateEventTrigStmt(_)
            | E::AlterEventTrigStmt(_)
            | E::CreatePlangStmt(_)
            | E::CreateRoleStmt(_)
            | E::AlterRoleStmt(_)
            | E::AlterRoleSetStmt(_)
            | E::DropRoleStmt(_)
            | E::CreateSeqStmt(_)
            | E::AlterSeqStmt(_)
            | E::DefineStmt(_)
            | E::CreateDomainStmt(_)
            | E::CreateOpClassStmt(_)
            | E::CreateOpClassItem(_)
            | E::CreateOpFamilyStmt(_)
            | E::AlterOpFamilyStmt(_)
            | E::DropStmt(_)
            | E::TruncateStmt(_)
            | E::CommentStmt(_)
            | E::SecLabelStmt(_)
            | E::DeclareCursorStmt(_)
            | E::ClosePortalStmt(_)
            | E::FetchStmt(_)
            | E::IndexStmt(_)
            | E::CreateStatsStmt(_)
            | E::AlterStatsStmt(_)
            | E::CreateFunctionStmt(_)
            | E::AlterFunctionStmt(_)
            | E::DoStmt(_)
            | E::InlineCodeBlock(_)
            | E::CallStmt(_)
            | E::CallContext(_)
            | E::RenameStmt(_)
            | E::AlterObjectDependsStmt(_)
            | E::AlterObjectSchemaStmt(_)
            | E::AlterOwnerStmt(_)
            | E::AlterOperatorStmt(_)
            | E::AlterTypeStmt(_)
            | E::RuleStmt(_)
            | E::NotifyStmt(_)
            | E::ListenStmt(_)
            | E::UnlistenStmt(_)
            | E::TransactionStmt(_)
            | E::CompositeTypeStmt(_)
            | E::CreateEnumStmt(_)
            | E::CreateRangeStmt(_)
            | E::AlterEnumStmt(_)
            | E::ViewStmt(_)
            | E::LoadStmt(_)
            | E::CreatedbStmt(_)
            | E::AlterDatabaseStmt(_)
            | E::AlterDatabaseRefreshCollStmt(_)
            | E::AlterDatabaseSetStmt(_)
            | E::DropdbStmt(_)
            | E::AlterSystemStmt(_)
            | E::ClusterStmt(_)
            | E::VacuumStmt(_)
            | E::VacuumRelation(_)
            | E::ExplainStmt(_)
            | E::CreateTableAsStmt(_)
            | E::RefreshMatViewStmt(_)
            | E::CheckPointStmt(_)
            | E::DiscardStmt(_)
            | E::LockStmt(_)
            | E::ConstraintsSetStmt(_)
            | E::ReindexStmt(_)
            | E::CreateConversionStmt(_)
            | E::CreateCastStmt(_)
            | E::CreateTransformStmt(_)
            | E::PrepareStmt(_)
            | E::ExecuteStmt(_)
            | E::DeallocateStmt(_)
            | E::DropOwnedStmt(_)
            | E::ReassignOwnedStmt(_)
            | E::AlterTsdictionaryStmt(_)
            | E::AlterTsconfigurationStmt(_)
            | E::PublicationTable(_)
            | E::PublicationObjSpec(_)
            | E::CreatePublicationStmt(_)
            | E::AlterPublicationStmt(_)
            | E::CreateSubscriptionStmt(_)
            | E::AlterSubscriptionStmt(_)
            | E::DropSubscriptionStmt(_)
            | E::IntList(_)
            | E::OidList(_) => self.unknown(),
        }
    }

    /// `a.b.c`: the last part is the column. A bare name of a row in sight is the whole row.
    pub(super) fn column(&mut self, column: &ColumnRef) {
        self.compare(column);
        if column.fields.iter().any(|field| matches!(field.node, Some(E::AStar(_)))) {
            self.uses.wide = true;
            return;
        }
        let names = strings(&column.fields);
        if let [name] = names.as_slice() {
            self.uses.wide |= self.is_row(name);
        }
        let Some(name) = names.last() else {
            self.unknown();
            return;
        };
        // `t.to_json` calls a function on the whole row when no column has that name.
        self.uses.wide |= names.len() > 1 && functions::takes_rows(name);
        self.uses.columns.insert(name.clone());
    }

    fn indirection(&mut self, arg: Option<&Node>, steps: &[Node]) {
        self.opt(arg);
        for step in steps {
            match &step.node {
                Some(E::String(name)) => {
                    self.uses.wide |= functions::takes_rows(&name.sval);
                    self.uses.columns.insert(name.sval.clone());
                    self.compare_part(&name.sval);
                }
                _ => self.expr(step),
            }
        }
    }

    fn operator(&mut self, expr: &AExpr) {
        let AExpr { kind, name, lexpr, rexpr, rexpr_list_start: _, rexpr_list_end: _, location: _ } = expr;
        if AExprKind::try_from(*kind).is_ok_and(|kind| kind != AExprKind::Undefined) {
            self.operator_name(&strings(name));
        } else {
            self.unknown();
        }
        let pair = self.compared_pair(expr);
        self.compare_pair(pair, |walk| {
            walk.opt(lexpr.as_deref());
            walk.opt(rexpr.as_deref());
        });
    }

    /// An operator is a function by another name; those of PostgreSQL itself are pure.
    pub(super) fn operator_name(&mut self, path: &[String]) {
        if !path.is_empty() {
            self.routines.operators.insert(path.to_vec());
        }
        let known = match path {
            [] => true,
            [name] => functions::is_operator(name),
            [schema, name] => schema == "pg_catalog" && functions::is_operator(name),
            [..] => false,
        };
        if !known {
            self.effect(Action::Call, ObjectKind::Function, path.to_vec());
            self.uses.wide = true;
        }
    }

    fn sub_link(&mut self, link: &SubLink) {
        let SubLink { xpr, sub_link_type: _, sub_link_id: _, testexpr, oper_name, subselect, location: _ } =
            link;
        self.opt(xpr.as_deref());
        self.filter_one(testexpr.as_deref());
        self.operator_name(&strings(oper_name));
        match subselect.as_deref().and_then(|node| node.node.as_ref()) {
            Some(E::SelectStmt(select)) => {
                let stars = std::mem::replace(&mut self.inner_star, false);
                self.select(select, Place::Within);
                let columns = self.columns.take();
                if testexpr.is_some() {
                    match columns {
                        Some(columns) => self.filter_by_all(&columns),
                        None => self.filter_by(&Uses { wide: true, ..Uses::default() }),
                    }
                }
                // A star under an expression becomes a value without a name; EXISTS alone looks at none.
                let exists = link.sub_link_type == pg_query::protobuf::SubLinkType::ExistsSublink as i32;
                self.uses.wide |= self.inner_star && !exists;
                self.inner_star |= stars;
            }
            Some(_) | None => self.nested(subselect.as_deref()),
        }
    }

    pub(super) fn call(&mut self, call: &FuncCall) {
        let FuncCall {
            funcname,
            args,
            agg_order,
            agg_filter,
            over,
            agg_within_group: _,
            agg_star: _,
            agg_distinct,
            func_variadic: _,
            funcformat: _,
            location: _,
        } = call;
        let path = strings(funcname);
        self.function_name(&path, args);
        let uses = self.uses_of(|walk| walk.exprs(args));
        if functions::keeps(&path) {
            self.puts_elsewhere(&uses);
        }
        self.filter(|walk| {
            walk.exprs(agg_order);
            walk.opt(agg_filter.as_deref());
        });
        let counts = path.last().is_some_and(|name| functions::counts(name));
        if *agg_distinct || counts {
            self.filter_by(&uses);
        }
        if let Some(window) = over {
            self.window(window);
        }
    }

    fn window(&mut self, window: &WindowDef) {
        self.filter(|walk| {
            walk.exprs(&window.partition_clause);
            walk.exprs(&window.order_clause);
            walk.opt(window.start_offset.as_deref());
            walk.opt(window.end_offset.as_deref());
        });
    }

    /// A scope of its own for rows that only an inner statement speaks of.
    pub(super) fn in_row_scope(&mut self, visit: impl FnOnce(&mut Self)) {
        self.rows.push(BTreeMap::new());
        visit(self);
        self.rows.pop();
    }
}
