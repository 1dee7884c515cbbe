//! The functions that write, wait, lock, signal, run text or reach outside the database, checked by hand one by one.
//!
//! Those of PostgreSQL 14 to 18 and of the extensions shipped with it. Invariant: a function that does several of
//! these has the strongest; all of them are `call` effects besides.

/// What calling it amounts to, besides the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Reads a file of the server, named by its first argument.
    FileRead,
    /// Writes a file of the server, named by the argument of that place.
    FileWrite(usize),
    /// Opens or uses a connection to another server; what it runs there is not known.
    ConnectOut,
    /// Runs text that it is given, or reads tables that only its arguments name.
    Dynamic,
    /// Sets the setting named by its first argument.
    SetSetting,
    /// Reads the setting named by its first argument.
    ReadSetting,
    /// Moves the sequence named by its first argument.
    Sequence,
    Lock,
    /// Speaks on the channel named by its first argument.
    Notify,
    /// Acts on the server as a whole: signals, WAL, replication, statistics, configuration.
    Admin,
    Maintenance,
    /// Reads, creates, changes or removes large objects.
    LargeRead,
    LargeCreate,
    LargeWrite,
    LargeDrop,
}

pub(crate) fn reach(name: &str) -> Option<Reach> {
    Some(match name {
        "pg_read_file"
        | "pg_read_binary_file"
        | "pg_read_file_old"
        | "pg_stat_file"
        | "pg_ls_dir"
        | "pg_ls_logdir"
        | "pg_ls_waldir"
        | "pg_ls_tmpdir"
        | "pg_ls_archive_statusdir"
        | "pg_ls_summariesdir"
        | "pg_ls_logicalmapdir"
        | "pg_ls_logicalsnapdir"
        | "pg_ls_replslotdir"
        | "pg_current_logfile"
        | "pg_hba_file_rules"
        | "pg_ident_file_mappings"
        | "pg_show_all_file_settings"
        | "pg_logdir_ls"
        | "pg_file_read"
        | "lo_import" => Reach::FileRead,
        "pg_file_write" | "pg_file_unlink" | "pg_file_rename" | "pg_file_sync" => Reach::FileWrite(0),
        "lo_export" => Reach::FileWrite(1),
        name if name.starts_with("dblink") || name.starts_with("postgres_fdw_") => Reach::ConnectOut,
        "query_to_xml"
        | "query_to_xmlschema"
        | "query_to_xml_and_xmlschema"
        | "cursor_to_xml"
        | "cursor_to_xmlschema"
        | "table_to_xml"
        | "table_to_xmlschema"
        | "table_to_xml_and_xmlschema"
        | "schema_to_xml"
        | "schema_to_xmlschema"
        | "schema_to_xml_and_xmlschema"
        | "database_to_xml"
        | "database_to_xmlschema"
        | "database_to_xml_and_xmlschema"
        | "ts_stat"
        | "ts_rewrite"
        | "connectby"
        | "crosstab"
        | "crosstab2"
        | "crosstab3"
        | "crosstab4"
        | "crosstabn"
        | "xpath_table"
        | "get_raw_page"
        | "heap_page_items"
        | "heap_page_item_attrs"
        | "bt_page_items"
        | "pg_logical_slot_get_changes"
        | "pg_logical_slot_get_binary_changes"
        | "pg_logical_slot_peek_changes"
        | "pg_logical_slot_peek_binary_changes"
        | "pg_get_wal_records_info"
        | "pg_get_wal_block_info" => Reach::Dynamic,
        "set_config" => Reach::SetSetting,
        "current_setting" => Reach::ReadSetting,
        "nextval" | "setval" => Reach::Sequence,
        name if name.starts_with("pg_advisory_") || name.starts_with("pg_try_advisory_") => Reach::Lock,
        "pg_notify" => Reach::Notify,
        name if name.starts_with("pg_stat_reset") || name.starts_with("binary_upgrade_") => Reach::Admin,
        "pg_terminate_backend"
        | "pg_cancel_backend"
        | "pg_reload_conf"
        | "pg_rotate_logfile"
        | "pg_rotate_logfile_old"
        | "pg_log_backend_memory_contexts"
        | "pg_promote"
        | "pg_switch_wal"
        | "pg_create_restore_point"
        | "pg_logical_emit_message"
        | "pg_backup_start"
        | "pg_backup_stop"
        | "pg_start_backup"
        | "pg_stop_backup"
        | "pg_wal_replay_pause"
        | "pg_wal_replay_resume"
        | "pg_create_logical_replication_slot"
        | "pg_create_physical_replication_slot"
        | "pg_copy_logical_replication_slot"
        | "pg_copy_physical_replication_slot"
        | "pg_drop_replication_slot"
        | "pg_replication_slot_advance"
        | "pg_sync_replication_slots"
        | "pg_replication_origin_create"
        | "pg_replication_origin_drop"
        | "pg_replication_origin_advance"
        | "pg_replication_origin_session_setup"
        | "pg_replication_origin_session_reset"
        | "pg_replication_origin_xact_setup"
        | "pg_replication_origin_xact_reset"
        | "pg_import_system_collations"
        | "pg_export_snapshot"
        | "pg_stop_making_pinned_objects"
        | "pg_stat_force_next_flush"
        | "pg_stat_statements_reset"
        | "pg_restore_relation_stats"
        | "pg_clear_relation_stats"
        | "pg_restore_attribute_stats"
        | "pg_clear_attribute_stats"
        | "pg_nextoid"
        | "pg_extension_config_dump"
        | "heap_force_kill"
        | "heap_force_freeze"
        | "pg_truncate_visibility_map"
        | "pg_buffercache_evict"
        | "pg_buffercache_evict_relation"
        | "pg_buffercache_evict_all"
        | "pg_prewarm"
        | "autoprewarm_start_worker"
        | "autoprewarm_dump_now" => Reach::Admin,
        "gin_clean_pending_list"
        | "brin_summarize_new_values"
        | "brin_summarize_range"
        | "brin_desummarize_range" => Reach::Maintenance,
        "lo_get" | "loread" | "lo_open" => Reach::LargeRead,
        "lo_create" | "lo_creat" | "lo_from_bytea" => Reach::LargeCreate,
        "lo_put" | "lowrite" | "lo_truncate" | "lo_truncate64" => Reach::LargeWrite,
        "lo_unlink" | "lo_manage" => Reach::LargeDrop,
        _ => return None,
    })
}

#[cfg(test)]
pub(super) const NAMES: &[&str] = &[
    "pg_read_file",
    "pg_ls_dir",
    "lo_import",
    "lo_export",
    "dblink",
    "query_to_xml",
    "table_to_xml",
    "ts_stat",
    "ts_rewrite",
    "set_config",
    "current_setting",
    "nextval",
    "pg_advisory_lock",
    "pg_notify",
    "pg_stat_reset",
    "pg_terminate_backend",
    "pg_logical_emit_message",
    "lo_get",
    "lo_unlink",
];
