//! CREATE, ALTER, DROP and their like: every statement that changes what there is rather than what is in it.
//!
//! This file says which statement is which; `relations` defines what holds rows, `code` what runs later, `objects` the
//! rest.

mod code;
mod objects;
mod relations;

use super::access::role_name;
use super::name::type_path;
use super::{Walk, strings};
use crate::kind::StatementKind;
use crate::outputs::Outputs;
use pg_query::NodeEnum as E;
use sallyport_core::{Action, ObjectKind};

impl Walk {
    pub(super) fn definition(&mut self, node: &E) -> (StatementKind, Outputs) {
        // Large objects are named by number.
        self.literal_sensitive = true;
        match node {
            E::CreateStmt(create) => self.create_table(create),
            E::CreateForeignTableStmt(create) => self.create_foreign_table(create),
            E::ViewStmt(view) => self.create_view(view),
            E::IndexStmt(index) => self.create_index(index),
            E::CreateSeqStmt(create) => self.other(Action::Create, create.sequence.as_ref(), &create.options),
            E::AlterSeqStmt(alter) => self.other(Action::Alter, alter.sequence.as_ref(), &alter.options),
            E::CreateStatsStmt(create) => self.create_statistics(create),
            E::AlterStatsStmt(alter) => {
                self.effect(Action::Alter, ObjectKind::Other, strings(&alter.defnames))
            }
            E::AlterTableStmt(alter) => self.alter_table(alter),
            E::RenameStmt(rename) => self.rename(rename),
            E::AlterObjectSchemaStmt(alter) => self.move_to_schema(alter),
            E::AlterOwnerStmt(alter) => self.give_to_owner(alter),
            E::AlterObjectDependsStmt(alter) => {
                self.change_object(alter.object_type, alter.relation.as_ref(), alter.object.as_deref());
            }
            E::CommentStmt(comment) => {
                self.on_node(Action::Alter, comment.objtype, comment.object.as_deref())
            }
            E::SecLabelStmt(label) => self.label(label),
            E::DropStmt(drop) => self.drop(drop),
            E::TruncateStmt(truncate) => self.truncate(truncate),
            E::CreateSchemaStmt(create) => self.create_schema(create),
            E::CreateFunctionStmt(create) => self.create_function(create),
            E::AlterFunctionStmt(alter) => self.alter_function(alter),
            E::CreateTrigStmt(create) => self.create_trigger(create),
            E::RuleStmt(rule) => self.create_rule(rule),
            E::CreatePolicyStmt(policy) => self.create_policy(policy),
            E::AlterPolicyStmt(policy) => self.alter_policy(policy),
            E::RefreshMatViewStmt(refresh) => self.refresh(refresh),
            E::DefineStmt(define) => self.define(define),
            E::CreateDomainStmt(create) => {
                self.exprs(&create.constraints);
                self.type_change(Action::Create, strings(&create.domainname));
            }
            E::AlterDomainStmt(alter) => {
                self.opt(alter.def.as_deref());
                self.type_change(Action::Alter, strings(&alter.type_name));
            }
            E::CompositeTypeStmt(create) => self.create_composite(create),
            E::CreateEnumStmt(create) => self.type_change(Action::Create, strings(&create.type_name)),
            E::CreateRangeStmt(create) => self.create_range(create),
            E::AlterEnumStmt(alter) => self.type_change(Action::Alter, strings(&alter.type_name)),
            E::AlterTypeStmt(alter) => self.type_change(Action::Alter, strings(&alter.type_name)),
            E::AlterCollationStmt(alter) => self.type_change(Action::Alter, strings(&alter.collname)),
            E::AlterOperatorStmt(alter) => self.alter_operator(alter),
            E::CreateOpClassStmt(create) => self.type_change(Action::Create, strings(&create.opclassname)),
            E::CreateOpFamilyStmt(create) => self.type_change(Action::Create, strings(&create.opfamilyname)),
            E::AlterOpFamilyStmt(alter) => self.type_change(Action::Alter, strings(&alter.opfamilyname)),
            E::CreateConversionStmt(create) => self.create_conversion(create),
            E::CreateCastStmt(create) => self.create_cast(create),
            E::CreateTransformStmt(create) => {
                let path = create.type_name.as_ref().map(type_path).unwrap_or_default();
                self.type_change(Action::Create, path);
            }
            E::AlterTsdictionaryStmt(alter) => self.type_change(Action::Alter, strings(&alter.dictname)),
            E::AlterTsconfigurationStmt(alter) => self.type_change(Action::Alter, strings(&alter.cfgname)),
            E::GrantStmt(grant) => self.grant(grant),
            E::GrantRoleStmt(grant) => self.grant_role(grant),
            E::AlterDefaultPrivilegesStmt(alter) => match &alter.action {
                Some(grant) => self.grant(grant),
                None => self.unknown(),
            },
            E::CreateRoleStmt(create) => self.create_role(create),
            E::AlterRoleStmt(alter) => self.alter_role(alter),
            E::AlterRoleSetStmt(alter) => self.alter_role_set(alter),
            E::DropRoleStmt(drop) => self.roles(Action::Drop, &drop.roles),
            E::ReassignOwnedStmt(reassign) => {
                self.roles(Action::Alter, &reassign.roles);
                let role = reassign.newrole.as_ref().map(role_name);
                self.effect(Action::Grant, ObjectKind::Role, role.into_iter().collect());
                self.unknown();
            }
            E::DropOwnedStmt(drop) => {
                self.roles(Action::Drop, &drop.roles);
                self.unknown();
            }
            E::SelectStmt(_) | E::InsertStmt(_) | E::UpdateStmt(_) | E::DeleteStmt(_) | E::MergeStmt(_) => {
                self.unknown();
                return (StatementKind::Other, Outputs::Unknown);
            }
            E::ClusterStmt(_)
            | E::VacuumStmt(_)
            | E::ReindexStmt(_)
            | E::CheckPointStmt(_)
            | E::LockStmt(_)
            | E::LoadStmt(_)
            | E::CreateExtensionStmt(_)
            | E::AlterExtensionStmt(_)
            | E::AlterExtensionContentsStmt(_)
            | E::CreateFdwStmt(_)
            | E::AlterFdwStmt(_)
            | E::CreateForeignServerStmt(_)
            | E::AlterForeignServerStmt(_)
            | E::CreateUserMappingStmt(_)
            | E::AlterUserMappingStmt(_)
            | E::DropUserMappingStmt(_)
            | E::ImportForeignSchemaStmt(_)
            | E::CreateAmStmt(_)
            | E::CreateEventTrigStmt(_)
            | E::AlterEventTrigStmt(_)
            | E::CreatePlangStmt(_)
            | E::CreateTableSpaceStmt(_)
            | E::DropTableSpaceStmt(_)
            | E::AlterTableSpaceOptionsStmt(_)
            | E::AlterTableMoveAllStmt(_)
            | E::CreatedbStmt(_)
            | E::AlterDatabaseStmt(_)
            | E::AlterDatabaseRefreshCollStmt(_)
            | E::AlterDatabaseSetStmt(_)
            | E::DropdbStmt(_)
            | E::AlterSystemStmt(_)
            | E::ConstraintsSetStmt(_)
            | E::CreatePublicationStmt(_)
            | E::AlterPublicationStmt(_)
            | E::CreateSubscriptionStmt(_)
            | E::AlterSubscriptionStmt(_)
            | E::DropSubscriptionStmt(_) => return self.server(node),
            // Parts of statements, and what later stages make of them: none is a statement that a text can hold.
            E::RangeVar(_)
            | E::Alias(_)
            | E::TableFunc(_)
            | E::IntoClause(_)
            | E::Var(_)
            | E::Param(_)
            | E::Aggref(_)
            | E::GroupingFunc(_)
            | E::WindowFunc(_)
            | E::WindowFuncRunCondition(_)
            | E::MergeSupportFunc(_)
            | E::SubscriptingRef(_)
            | E::FuncExpr(_)
            | E::NamedArgExpr(_)
            | E::OpExpr(_)
            | E::DistinctExpr(_)
            | E::NullIfExpr(_)
            | E::ScalarArrayOpExpr(_)
            | E::BoolExpr(_)
            | E::SubLink(_)
            | E::SubPlan(_)
            | E::AlternativeSubPlan(_)
            | E::FieldSelect(_)
            | E::FieldStore(_)
            | E::RelabelType(_)
            | E::CoerceViaIo(_)
            | E::ArrayCoerceExpr(_)
            | E::ConvertRowtypeExpr(_)
            | E::CollateExpr(_)
            | E::CaseExpr(_)
            | E::CaseWhen(_)
            | E::CaseTestExpr(_)
            | E::ArrayExpr(_)
            | E::RowExpr(_)
            | E::RowCompareExpr(_)
            | E::CoalesceExpr(_)
            | E::MinMaxExpr(_)
            | E::SqlvalueFunction(_)
            | E::XmlExpr(_)
            | E::JsonFormat(_)
            | E::JsonReturning(_)
            | E::JsonValueExpr(_)
            | E::JsonConstructorExpr(_)
            | E::JsonIsPredicate(_)
            | E::JsonBehavior(_)
            | E::JsonExpr(_)
            | E::JsonTablePath(_)
            | E::JsonTablePathScan(_)
            | E::JsonTableSiblingJoin(_)
            | E::NullTest(_)
            | E::BooleanTest(_)
            | E::MergeAction(_)
            | E::CoerceToDomain(_)
            | E::CoerceToDomainValue(_)
            | E::SetToDefault(_)
            | E::CurrentOfExpr(_)
            | E::NextValueExpr(_)
            | E::InferenceElem(_)
            | E::ReturningExpr(_)
            | E::TargetEntry(_)
            | E::RangeTblRef(_)
            | E::JoinExpr(_)
            | E::FromExpr(_)
            | E::OnConflictExpr(_)
            | E::Query(_)
            | E::TypeName(_)
            | E::ColumnRef(_)
            | E::ParamRef(_)
            | E::AExpr(_)
            | E::TypeCast(_)
            | E::CollateClause(_)
            | E::RoleSpec(_)
            | E::FuncCall(_)
            | E::AStar(_)
            | E::AIndices(_)
            | E::AIndirection(_)
            | E::AArrayExpr(_)
            | E::ResTarget(_)
            | E::MultiAssignRef(_)
            | E::SortBy(_)
            | E::WindowDef(_)
            | E::RangeSubselect(_)
            | E::RangeFunction(_)
            | E::RangeTableFunc(_)
            | E::RangeTableFuncCol(_)
            | E::RangeTableSample(_)
            | E::ColumnDef(_)
            | E::TableLikeClause(_)
            | E::IndexElem(_)
            | E::DefElem(_)
            | E::LockingClause(_)
            | E::XmlSerialize(_)
            | E::PartitionElem(_)
            | E::PartitionSpec(_)
            | E::PartitionBoundSpec(_)
            | E::PartitionRangeDatum(_)
            | E::PartitionCmd(_)
            | E::RangeTblEntry(_)
            | E::RtepermissionInfo(_)
            | E::RangeTblFunction(_)
            | E::TableSampleClause(_)
            | E::WithCheckOption(_)
            | E::SortGroupClause(_)
            | E::GroupingSet(_)
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
            | E::JsonArrayAgg(_)
            | E::RawStmt(_)
            | E::SetOperationStmt(_)
            | E::ReturnStmt(_)
            | E::PlassignStmt(_)
            | E::AlterTableCmd(_)
            | E::AtalterConstraint(_)
            | E::ReplicaIdentityStmt(_)
            | E::ObjectWithArgs(_)
            | E::AccessPriv(_)
            | E::CopyStmt(_)
            | E::VariableSetStmt(_)
            | E::VariableShowStmt(_)
            | E::Constraint(_)
            | E::CreateOpClassItem(_)
            | E::DeclareCursorStmt(_)
            | E::ClosePortalStmt(_)
            | E::FetchStmt(_)
            | E::StatsElem(_)
            | E::FunctionParameter(_)
            | E::DoStmt(_)
            | E::InlineCodeBlock(_)
            | E::CallStmt(_)
            | E::CallContext(_)
            | E::NotifyStmt(_)
            | E::ListenStmt(_)
            | E::UnlistenStmt(_)
            | E::TransactionStmt(_)
            | E::VacuumRelation(_)
            | E::ExplainStmt(_)
            | E::CreateTableAsStmt(_)
            | E::DiscardStmt(_)
            | E::PrepareStmt(_)
            | E::ExecuteStmt(_)
            | E::DeallocateStmt(_)
            | E::PublicationTable(_)
            | E::PublicationObjSpec(_)
            | E::Integer(_)
            | E::Float(_)
            | E::Boolean(_)
            | E::String(_)
            | E::BitString(_)
            | E::List(_)
            | E::IntList(_)
            | E::OidList(_)
            | E::AConst(_) => {
                self.unknown();
                return (StatementKind::Other, Outputs::Unknown);
            }
        }
        (StatementKind::Ddl, Outputs::None)
    }
}
