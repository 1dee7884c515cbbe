//! The SQL/JSON expressions: many shapes, all of them only holders of other expressions.

use super::{Walk, query::Place};
use pg_query::NodeEnum as E;
use pg_query::protobuf::{
    JsonAggConstructor, JsonBehavior, JsonKeyValue, JsonOutput, JsonTable, JsonTableColumn,
    JsonTablePathSpec, JsonValueExpr,
};

impl Walk {
    pub(super) fn json(&mut self, node: &E) {
        match node {
            E::JsonValueExpr(value) => self.json_value(Some(value)),
            E::JsonIsPredicate(test) => self.opt(test.expr.as_deref()),
            E::JsonBehavior(behaviour) => self.json_behaviour(Some(behaviour)),
            E::JsonArgument(argument) => self.json_value(argument.val.as_deref()),
            E::JsonFuncExpr(call) => {
                self.json_value(call.context_item.as_deref());
                self.opt(call.pathspec.as_deref());
                self.exprs(&call.passing);
                self.json_output(call.output.as_ref());
                self.json_behaviour(call.on_empty.as_deref());
                self.json_behaviour(call.on_error.as_deref());
            }
            E::JsonTablePathSpec(path) => self.json_path(Some(path)),
            E::JsonTable(table) => self.json_table(table),
            E::JsonTableColumn(column) => self.json_column(column),
            E::JsonKeyValue(pair) => self.json_pair(Some(pair)),
            E::JsonParseExpr(parse) => {
                self.json_value(parse.expr.as_deref());
                self.json_output(parse.output.as_ref());
            }
            E::JsonScalarExpr(scalar) => {
                self.opt(scalar.expr.as_deref());
                self.json_output(scalar.output.as_ref());
            }
            E::JsonSerializeExpr(serialize) => {
                self.json_value(serialize.expr.as_deref());
                self.json_output(serialize.output.as_ref());
            }
            E::JsonObjectConstructor(object) => {
                self.exprs(&object.exprs);
                self.json_output(object.output.as_ref());
            }
            E::JsonArrayConstructor(array) => {
                self.exprs(&array.exprs);
                self.json_output(array.output.as_ref());
            }
            E::JsonArrayQueryConstructor(array) => {
                match array.query.as_deref().and_then(|query| query.node.as_ref()) {
                    Some(E::SelectStmt(select)) => {
                        self.select(select, Place::Within);
                        self.uses.wide |= self.inner_star;
                    }
                    Some(_) | None => self.unknown(),
                }
                self.json_output(array.output.as_ref());
            }
            E::JsonAggConstructor(constructor) => self.json_aggregate(Some(constructor)),
            E::JsonObjectAgg(aggregate) => {
                self.json_aggregate(aggregate.constructor.as_deref());
                self.json_pair(aggregate.arg.as_deref());
            }
            E::JsonArrayAgg(aggregate) => {
                self.json_aggregate(aggregate.constructor.as_deref());
                self.json_value(aggregate.arg.as_deref());
            }
            _ => self.unknown(),
        }
    }

    pub(super) fn json_table(&mut self, table: &JsonTable) {
        self.json_value(table.context_item.as_deref());
        self.json_path(table.pathspec.as_deref());
        self.exprs(&table.passing);
        self.exprs(&table.columns);
        self.json_behaviour(table.on_error.as_deref());
    }

    fn json_column(&mut self, column: &JsonTableColumn) {
        self.cast_to(column.type_name.as_ref());
        self.json_path(column.pathspec.as_deref());
        self.exprs(&column.columns);
        self.json_behaviour(column.on_empty.as_deref());
        self.json_behaviour(column.on_error.as_deref());
    }

    fn json_value(&mut self, value: Option<&JsonValueExpr>) {
        if let Some(value) = value {
            self.opt(value.raw_expr.as_deref());
            self.opt(value.formatted_expr.as_deref());
        }
    }

    fn json_pair(&mut self, pair: Option<&JsonKeyValue>) {
        if let Some(pair) = pair {
            self.opt(pair.key.as_deref());
            self.json_value(pair.value.as_deref());
        }
    }

    fn json_path(&mut self, path: Option<&JsonTablePathSpec>) {
        self.opt(path.and_then(|path| path.string.as_deref()));
    }

    fn json_behaviour(&mut self, behaviour: Option<&JsonBehavior>) {
        self.opt(behaviour.and_then(|behaviour| behaviour.expr.as_deref()));
    }

    fn json_output(&mut self, output: Option<&JsonOutput>) {
        self.cast_to(output.and_then(|output| output.type_name.as_ref()));
    }

    fn json_aggregate(&mut self, constructor: Option<&JsonAggConstructor>) {
        let Some(constructor) = constructor else { return };
        self.json_output(constructor.output.as_ref());
        self.opt(constructor.agg_filter.as_deref());
        self.exprs(&constructor.agg_order);
        if let Some(window) = constructor.over.as_deref() {
            self.exprs(&window.partition_clause);
            self.exprs(&window.order_clause);
            self.opt(window.start_offset.as_deref());
            self.opt(window.end_offset.as_deref());
        }
    }
}
