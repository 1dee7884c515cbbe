// node-postgres through the gateway: plain, prepared, large, refused.
const { Client } = require("pg");

async function main() {
  const [port, database] = process.argv.slice(2);
  const client = new Client({ host: "127.0.0.1", port: Number(port), database, user: "caller", password: process.env.TOKEN, ssl: false });
  await client.connect();
  const result = {};
  result.row = (await client.query("SELECT id, name, email FROM customers WHERE id = 1")).rows[0];
  const prepared = { name: "by-id", text: "SELECT name FROM customers WHERE id = $1" };
  result.prepared = [];
  for (const id of [1, 2, 3]) result.prepared.push((await client.query({ ...prepared, values: [id] })).rows[0].name);
  try {
    await client.query("DROP TABLE payments");
  } catch (refusal) {
    result.refused = refusal.code;
    result.detail = JSON.parse(refusal.detail);
  }
  result.after = (await client.query("SELECT 42 AS answer")).rows[0].answer;
  result.large = (await client.query("SELECT repeat('x', 3000000) AS big")).rows[0].big.length;
  await client.end();
  console.log(JSON.stringify(result));
}

main().catch((problem) => {
  console.error(problem);
  process.exit(1);
});
