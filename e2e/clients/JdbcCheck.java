import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Properties;

/** The PostgreSQL JDBC driver through the gateway: plain, server-prepared, fetch size, batches, refusals. */
public final class JdbcCheck {
    public static void main(String[] arguments) throws Exception {
        Properties properties = new Properties();
        properties.setProperty("user", "caller");
        properties.setProperty("password", System.getenv("TOKEN"));
        properties.setProperty("sslmode", "disable");
        properties.setProperty("prepareThreshold", "2");
        String url = "jdbc:postgresql://127.0.0.1:" + arguments[0] + "/" + arguments[1];
        try (Connection connection = DriverManager.getConnection(url, properties)) {
            try (PreparedStatement statement =
                    connection.prepareStatement("SELECT id, name, email FROM customers WHERE id = ?")) {
                for (int id : new int[] {1, 2, 3, 1}) {
                    statement.setInt(1, id);
                    try (ResultSet rows = statement.executeQuery()) {
                        rows.next();
                        System.out.println("row " + rows.getInt(1) + " " + rows.getString(2) + " " + rows.getString(3));
                    }
                }
            }
            try (Statement statement = connection.createStatement()) {
                statement.execute("DROP TABLE payments");
                System.out.println("refused nothing");
            } catch (SQLException refusal) {
                System.out.println("refused " + refusal.getSQLState());
            }
            try (ResultSet keys = connection.getMetaData().getPrimaryKeys(null, "public", "customers")) {
                keys.next();
                System.out.println("key " + keys.getString("COLUMN_NAME"));
            }
            try (ResultSet indexes = connection.getMetaData().getIndexInfo(null, "public", "customers", true, false)) {
                indexes.next();
                System.out.println("index of " + indexes.getString("COLUMN_NAME"));
            }
            connection.setAutoCommit(false);
            try (Statement statement = connection.createStatement()) {
                statement.setFetchSize(2);
                int count = 0;
                try (ResultSet rows = statement.executeQuery("SELECT id FROM customers ORDER BY id")) {
                    while (rows.next()) {
                        count++;
                    }
                }
                System.out.println("fetched " + count);
            }
            connection.commit();
            for (boolean readOnly : new boolean[] {true, false}) {
                connection.setReadOnly(readOnly);
                try (Statement statement = connection.createStatement();
                        ResultSet rows = statement.executeQuery("SHOW transaction_read_only")) {
                    rows.next();
                    System.out.println("asked " + readOnly + ", is " + rows.getString(1));
                }
                connection.commit();
            }
        }
    }
}
