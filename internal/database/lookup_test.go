package database_test

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/internal/database/databasetest"
)

const createThings = "CREATE TABLE things (partition int4, id uuid, value int8 NOT NULL, PRIMARY KEY (partition, id))"

// insertThings fills a partition with ids 1 to $2. The value of a row is its number, and a thousand for each partition.
const insertThings = `INSERT INTO things (partition, id, value) SELECT $1, lpad(to_hex(i), 32, '0')::uuid, $1 * 1000 + i FROM generate_series(1, $2::int4) AS i`

// ids are those of the rows with these numbers.
func ids(from, to int) (all [][16]byte) {
	for i := from; i <= to; i++ {
		var id [16]byte
		binary.BigEndian.PutUint64(id[8:], uint64(i))
		all = append(all, id)
	}
	return all
}

func TestALookupFindsTheRowsOfItsKeys(t *testing.T) {
	db := databasetest.New(t)
	if _, err := db.Pool.Exec(t.Context(), createThings); err != nil {
		t.Fatal(err)
	}
	for partition, rows := range []int{150, 100, 150} {
		if _, err := db.Pool.Exec(t.Context(), insertThings, partition, rows); err != nil {
			t.Fatal(err)
		}
	}
	lookup := database.NewLookup("id, value", "things")
	for _, c := range []struct{ from, to, found int }{
		{1, 0, 0}, {5, 5, 1}, {1, 16, 16}, {1, 17, 17}, {1, 100, 100}, // as many statements as keys, and one
		{96, 105, 5}, {91, 130, 10}, {101, 103, 0}, {101, 150, 0}, // with keys that only the other partitions have, or none
	} {
		t.Run(fmt.Sprintf("%d to %d", c.from, c.to), func(t *testing.T) {
			want := map[[16]byte]int64{}
			for i, id := range ids(c.from, c.from+c.found-1) {
				want[id] = int64(1000 + c.from + i)
			}
			got := map[[16]byte]int64{}
			var batch pgx.Batch
			lookup.Queue(&batch, 1, ids(c.from, c.to), func(rows pgx.Rows) error {
				var id [16]byte
				var value int64
				_, err := pgx.ForEachRow(rows, []any{&id, &value}, func() error {
					if _, twice := got[id]; twice {
						t.Errorf("row %x came twice", id)
					}
					got[id] = value
					return nil
				})
				return err
			})
			if err := db.Pool.SendBatch(t.Context(), &batch).Close(); err != nil {
				t.Fatal(err)
			}
			if !maps.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

// TestALookupReadsOnlyItsRows is why Lookup exists: a plan that is made while a table is small is kept when it is not. Here
// all rows are of one partition, which the statistics, where there are any, know.
func TestALookupReadsOnlyItsRows(t *testing.T) {
	const rows, some = 5000, 400
	const withAny = "SELECT id, value FROM things WHERE partition = $1 AND id = ANY($2::uuid[])"
	for _, c := range []struct {
		name   string
		before int // rows when the plan is made
		keys   int
		sql    string // "" for the lookup's own
		read   int
	}{
		{"few keys, empty table", 0, 16, "", 16},
		{"many keys, empty table", 0, 17, "", 17},
		{"few keys, table of one page", 20, 16, "", 16},
		{"many keys, table of one page", 20, 17, "", 17},
		{"few keys, small table", some, 16, "", 16},
		{"many keys, small table", some, 17, "", 17},
		{"very many keys, small table", some, 300, "", 300},
		{"what it is better than", some, 17, withAny, rows},
	} {
		t.Run(c.name, func(t *testing.T) {
			db := databasetest.New(t)
			if db.Dialect == database.CockroachDB {
				t.Skip("how PostgreSQL keeps a plan")
			}
			conn, err := db.Pool.Acquire(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Release()
			exec := func(sql string, args ...any) {
				t.Helper()
				if _, err := conn.Exec(t.Context(), sql, args...); err != nil {
					t.Fatal(err)
				}
			}
			exec(createThings + " WITH (autovacuum_enabled = false)") // which would have the plan made anew, some day
			if c.sql != "" {
				exec("SET enable_seqscan = on") // as servers have it
			}
			if c.before > 0 {
				exec(insertThings, 1, c.before)
				exec("ANALYZE things")
			}
			var batch pgx.Batch
			database.NewLookup("id, value", "things").Queue(&batch, 1, ids(1, c.keys), nil)
			execute := func(read func(sql string, args ...any)) {
				for _, q := range batch.QueuedQueries {
					sql := q.SQL
					if c.sql != "" {
						sql = c.sql
					}
					read(sql, q.Arguments...)
				}
			}
			for range 6 {
				execute(exec)
			}
			exec(insertThings+" ON CONFLICT DO NOTHING", 1, rows)
			read := 0
			execute(func(sql string, args ...any) { read += rowsRead(t, conn.Conn(), sql, args...) })
			if read != c.read {
				t.Errorf("%d rows were read for %d keys, want %d", read, c.keys, c.read)
			}
		})
	}
}

// plan is a node of what EXPLAIN tells of a statement that was run. Rows are those of one loop.
type plan struct {
	Relation string  `json:"Relation Name"`
	Loops    float64 `json:"Actual Loops"`
	Given    float64 `json:"Actual Rows"`
	Removed  float64 `json:"Rows Removed by Filter"`
	Plans    []plan
}

func (p plan) read() (rows float64) {
	if p.Relation != "" {
		rows = p.Loops * (p.Given + p.Removed)
	}
	for _, below := range p.Plans {
		rows += below.read()
	}
	return rows
}

// rowsRead explains what the connection does for a statement that it has prepared before.
func rowsRead(t *testing.T, conn *pgx.Conn, sql string, args ...any) int {
	t.Helper()
	var name string
	err := conn.QueryRow(t.Context(), "SELECT name FROM pg_prepared_statements WHERE statement = $1", sql).Scan(&name)
	if err != nil {
		t.Fatalf("statement %q is not prepared: %v", sql, err)
	}
	var values []string
	for _, arg := range args {
		switch arg := arg.(type) {
		case [16]byte:
			values = append(values, fmt.Sprintf("'%x'", arg))
		case [][16]byte:
			keys := make([]string, len(arg))
			for i, id := range arg {
				keys[i] = hex.EncodeToString(id[:])
			}
			values = append(values, "'{"+strings.Join(keys, ",")+"}'")
		default:
			values = append(values, fmt.Sprint(arg))
		}
	}
	var out []byte
	explain := fmt.Sprintf(`EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) EXECUTE "%s"(%s)`, name, strings.Join(values, ", "))
	if err := conn.QueryRow(t.Context(), explain).Scan(&out); err != nil {
		t.Fatal(err)
	}
	var explained []struct{ Plan plan }
	if err := json.Unmarshal(out, &explained); err != nil {
		t.Fatal(err)
	}
	return int(explained[0].Plan.read())
}
