-- What the server itself says was done: asked before and after each statement, in the statement's own transaction.
CREATE SCHEMA oracle;
GRANT USAGE ON SCHEMA oracle TO public;

CREATE FUNCTION oracle.say(what text) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    PERFORM set_config('oracle.log', coalesce(current_setting('oracle.log', true), '') || E'\n' || what, true);
END $$;

-- On every table: which statement wrote to it.
CREATE FUNCTION oracle.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    PERFORM set_config('oracle.log', coalesce(current_setting('oracle.log', true), '') || E'\nlog '
        || lower(TG_OP) || ' ' || TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME, true);
    RETURN NULL;
END $$;

-- On every definition.
CREATE FUNCTION oracle.defined() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE one record;
BEGIN
    FOR one IN SELECT * FROM pg_catalog.pg_event_trigger_ddl_commands() LOOP
        PERFORM oracle.say('ddl ' || lower(one.command_tag) || ' ' || coalesce(one.object_identity, ''));
    END LOOP;
END $$;
CREATE FUNCTION oracle.dropped() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE one record;
BEGIN
    FOR one IN SELECT * FROM pg_catalog.pg_event_trigger_dropped_objects() WHERE original LOOP
        PERFORM oracle.say('ddl drop ' || one.object_type || ' ' || coalesce(one.object_identity, ''));
    END LOOP;
END $$;

CREATE FUNCTION oracle.seen() RETURNS text LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    WITH known AS (
        SELECT c.oid, CASE WHEN n.nspname LIKE 'pg\_temp%' THEN 'pg_temp' ELSE n.nspname END || '.' || c.relname AS name
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
        AND n.nspname NOT IN ('pg_catalog', 'pg_toast', 'information_schema', 'oracle'))
    SELECT concat_ws(E'\n',
        (SELECT string_agg(what || ' ' || name || ' ' || n, E'\n')
         FROM known, LATERAL (VALUES
            ('insert', pg_stat_get_xact_tuples_inserted(oid)),
            ('update', pg_stat_get_xact_tuples_updated(oid)),
            ('delete', pg_stat_get_xact_tuples_deleted(oid)),
            ('scan', pg_stat_get_xact_numscans(oid)
                + coalesce((SELECT sum(pg_stat_get_xact_numscans(indexrelid)) FROM pg_index WHERE indrelid = oid), 0)))
            AS x (what, n)
         WHERE n > 0),
        (SELECT string_agg('lock ' || name || ' ' || mode, E'\n')
         FROM pg_locks JOIN known ON known.oid = relation
         WHERE pid = pg_backend_pid() AND locktype = 'relation' AND granted),
        (SELECT current_setting('oracle.log', true)
         WHERE pg_stat_force_next_flush() IS NOT NULL))
$$;

-- Called once, when the world is made.
CREATE FUNCTION oracle.watch() RETURNS void LANGUAGE plpgsql AS $$
DECLARE one regclass;
BEGIN
    FOR one IN SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'oracle')
    LOOP
        EXECUTE format('CREATE TRIGGER zz_oracle AFTER INSERT OR UPDATE OR DELETE ON %s EXECUTE FUNCTION oracle.note()', one);
        EXECUTE format('CREATE TRIGGER zz_oracle_truncate AFTER TRUNCATE ON %s EXECUTE FUNCTION oracle.note()', one);
    END LOOP;
    CREATE EVENT TRIGGER oracle_defined ON ddl_command_end EXECUTE FUNCTION oracle.defined();
    CREATE EVENT TRIGGER oracle_dropped ON sql_drop EXECUTE FUNCTION oracle.dropped();
END $$;
