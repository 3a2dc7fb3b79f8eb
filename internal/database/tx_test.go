package database_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/weirhq/weir/internal/chaos"
	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/internal/database/databasetest"
)

// two are the rows that transactions of these tests meet on.
const createTwo = "CREATE TABLE two (id int4 PRIMARY KEY, value int8 NOT NULL); INSERT INTO two VALUES (1, 0), (2, 0)"

func newTwo(t *testing.T) *database.DB {
	t.Helper()
	db := databasetest.New(t)
	if _, err := db.Pool.Exec(t.Context(), createTwo); err != nil {
		t.Fatal(err)
	}
	return db
}

func value(t *testing.T, db *database.DB, id int) (v int64) {
	t.Helper()
	if err := db.Pool.QueryRow(t.Context(), "SELECT value FROM two WHERE id = $1", id).Scan(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func increment(ctx context.Context, tx pgx.Tx, id int) error {
	_, err := tx.Exec(ctx, "UPDATE two SET value = value + 1 WHERE id = $1", id)
	return err
}

func sum(ctx context.Context, tx pgx.Tx) (v int64, err error) {
	err = tx.QueryRow(ctx, "SELECT sum(value)::int8 FROM two").Scan(&v)
	return v, err
}

// both runs a test on the way of each dialect. CockroachDB's works on PostgreSQL up to the commit, which is enough for
// what is wanted of it here.
func both(t *testing.T, run func(t *testing.T, as func(*database.DB) *database.DB)) {
	t.Run("as the server is", func(t *testing.T) { run(t, func(db *database.DB) *database.DB { return db }) })
	t.Run("with cockroach restarts", func(t *testing.T) {
		run(t, func(db *database.DB) *database.DB {
			db.Dialect = database.CockroachDB
			return db
		})
	})
}

// transaction runs statements, and whatever a test wants to happen before COMMIT is sent: with a batch, before all of it is.
type transaction func(ctx context.Context, db *database.DB, before func(), statements ...string) error

const (
	oneByOne = "one by one"
	inABatch = "in a batch"
)

// ways runs a test with each of the two ways to run a transaction.
func ways(t *testing.T, test func(t *testing.T, way string, run transaction)) {
	t.Run(oneByOne, func(t *testing.T) {
		test(t, oneByOne, func(ctx context.Context, db *database.DB, before func(), statements ...string) error {
			return db.InTx(ctx, func(tx pgx.Tx) error {
				for _, statement := range statements {
					if _, err := tx.Exec(ctx, statement); err != nil {
						return err
					}
				}
				before()
				return nil
			})
		})
	})
	t.Run(inABatch, func(t *testing.T) {
		test(t, inABatch, func(ctx context.Context, db *database.DB, before func(), statements ...string) error {
			return db.InBatch(ctx,
				func(batch *pgx.Batch) {
					before()
					for _, statement := range statements {
						batch.Queue(statement)
					}
				},
				func(results pgx.BatchResults) error {
					for range statements {
						if _, err := results.Exec(); err != nil {
							return err
						}
					}
					return nil
				})
		})
	})
}

// incrementOne is the statement whose effect tells whether a transaction was committed.
const incrementOne = "UPDATE two SET value = value + 1 WHERE id = 1"

func TestATransactionThatLosesAtAStatementRunsAgain(t *testing.T) {
	db := newTwo(t)
	runs := 0
	err := db.InTx(t.Context(), func(tx pgx.Tx) error {
		runs++
		if _, err := sum(t.Context(), tx); err != nil {
			return err
		}
		if runs == 1 { // another one takes row 1 in between
			if err := db.InTx(t.Context(), func(other pgx.Tx) error { return increment(t.Context(), other, 1) }); err != nil {
				t.Fatal(err)
			}
			err := increment(t.Context(), tx, 1)
			if database.SQLState(err) != "40001" {
				t.Fatalf("the statement gave %v, want 40001", err)
			}
			return fmt.Errorf("wrapped: %w", err)
		}
		return increment(t.Context(), tx, 1)
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := value(t, db, 1); runs != 2 || got != 2 {
		t.Fatalf("%d runs left %d, want 2 and 2", runs, got)
	}
}

// TestABatchThatLosesAtAStatementRunsAgain has the batch wait for the row that another transaction holds.
func TestABatchThatLosesAtAStatementRunsAgain(t *testing.T) {
	db := newTwo(t)
	if db.Dialect == database.CockroachDB {
		t.Skip("CockroachDB repeats a batch that waited by itself")
	}
	other, err := db.Pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := increment(t.Context(), other, 1); err != nil {
		t.Fatal(err)
	}
	var lost []string
	queued := 0
	done := make(chan error, 1)
	go func() {
		done <- db.InBatch(t.Context(),
			func(batch *pgx.Batch) {
				queued++
				batch.Queue(incrementOne)
				batch.Queue("UPDATE two SET value = value + 1 WHERE id = 2")
			},
			func(results pgx.BatchResults) error {
				_, err := results.Exec()
				lost = append(lost, database.SQLState(err))
				return err
			})
	}()
	untilOneWaits(t, db)
	if err := other.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if want := []string{"40001", ""}; queued != 2 || !slices.Equal(lost, want) {
		t.Fatalf("queued %d times, the statement gave %q, want twice and %q", queued, lost, want)
	}
	if one, two := value(t, db, 1), value(t, db, 2); one != 2 || two != 1 {
		t.Fatalf("the rows are %d and %d, want 2 and 1", one, two)
	}
}

// TestATransactionThatLosesAtCommitRunsAgain is write skew: both read both rows and each writes another one.
func TestATransactionThatLosesAtCommitRunsAgain(t *testing.T) {
	db := newTwo(t)
	addSum := func(id int, before func()) error {
		return db.InTx(t.Context(), func(tx pgx.Tx) error {
			if _, err := tx.Exec(t.Context(), writeSum, id); err != nil {
				return err
			}
			before()
			return nil
		})
	}
	runs := 0
	err := addSum(1, func() {
		if runs++; runs > 1 {
			return
		}
		if err := addSum(2, func() {}); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	// One after the other: the second sees 1 and writes 2. Side by side both would write 1.
	if one, other := value(t, db, 1), value(t, db, 2); runs != 2 || one != 2 || other != 1 {
		t.Fatalf("%d runs left %d and %d, want 2 runs, 2 and 1", runs, one, other)
	}
}

const writeSum = "UPDATE two SET value = (SELECT sum(value)::int8 FROM two) + 1 WHERE id = $1"

// TestABatchThatLosesAtCommitRunsAgain is the same, where COMMIT is on its way already: the batch waits for a lock meanwhile.
func TestABatchThatLosesAtCommitRunsAgain(t *testing.T) {
	db := newTwo(t)
	if db.Dialect == database.CockroachDB {
		t.Skip("there are no advisory locks to hold a batch up with")
	}
	other, err := db.Pool.BeginTx(t.Context(), pgx.TxOptions{IsoLevel: pgx.Serializable})
	if err != nil {
		t.Fatal(err)
	}
	exec := func(sql string, args ...any) {
		t.Helper()
		if _, err := other.Exec(t.Context(), sql, args...); err != nil {
			t.Fatal(err)
		}
	}
	exec("SELECT pg_advisory_xact_lock(1)")
	queued, read := 0, 0
	done := make(chan error, 1)
	go func() {
		done <- db.InBatch(t.Context(), func(batch *pgx.Batch) {
			queued++
			batch.Queue(writeSum, 1)
			batch.Queue("SELECT pg_advisory_xact_lock(1)")
		}, func(results pgx.BatchResults) error {
			for range 2 {
				if _, err := results.Exec(); err != nil {
					return err
				}
			}
			read++
			return nil
		})
	}()
	untilOneWaits(t, db)
	exec(writeSum, 2)
	if err := other.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if one, two := value(t, db, 1), value(t, db, 2); queued != 2 || read != 2 || one != 2 || two != 1 {
		t.Fatalf("queued %d times, all statements went well %d times, left %d and %d; want twice both, 2 and 1", queued, read, one, two)
	}
}

// untilOneWaits waits until a transaction waits for a lock.
func untilOneWaits(t *testing.T, db *database.DB) {
	t.Helper()
	for waiting := 0; waiting == 0; {
		err := db.Pool.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&waiting)
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestOtherErrorsRollBackAtOnce(t *testing.T) {
	both(t, func(t *testing.T, as func(*database.DB) *database.DB) {
		ways(t, func(t *testing.T, _ string, run transaction) {
			db := as(newTwo(t))
			for name, c := range map[string]struct {
				statement string
				is        func(error) bool
			}{
				"constraint": {"INSERT INTO two VALUES (1, 0)", database.IsData},
				"division":   {"SELECT 1/0", database.IsData},
			} {
				t.Run(name, func(t *testing.T) {
					connected := db.Pool.Stat().NewConnsCount()
					err := run(t.Context(), db, func() {}, incrementOne, c.statement)
					if !c.is(err) || errors.Is(err, database.ErrOutcomeUnknown) {
						t.Fatalf("error is %v", err)
					}
					notIncremented(t, db, connected)
				})
			}
		})
		t.Run("ours", func(t *testing.T) {
			db := as(newTwo(t))
			refused := errors.New("refused")
			runs, connected := 0, db.Pool.Stat().NewConnsCount()
			err := db.InTx(t.Context(), func(tx pgx.Tx) error {
				runs++
				return errors.Join(increment(t.Context(), tx, 1), refused)
			})
			if !errors.Is(err, refused) || errors.Is(err, database.ErrOutcomeUnknown) || runs > 1 {
				t.Fatalf("error after %d runs is %v", runs, err)
			}
			notIncremented(t, db, connected)
		})
	})
}

// notIncremented checks that the transaction left nothing, and the connection as it was.
func notIncremented(t *testing.T, db *database.DB, connected int64) {
	t.Helper()
	if got := value(t, db, 1); got != 0 {
		t.Fatalf("the row is %d, want 0", got)
	}
	if again := db.Pool.Stat().NewConnsCount() - connected; again != 0 {
		t.Fatal("the connection was not usable afterwards")
	}
}

func TestAPanicRollsBack(t *testing.T) {
	both(t, func(t *testing.T, as func(*database.DB) *database.DB) {
		ways(t, func(t *testing.T, _ string, run transaction) {
			db := as(newTwo(t))
			func() {
				defer func() {
					if recover() == nil {
						t.Error("the panic was swallowed")
					}
				}()
				_ = run(t.Context(), db, func() { panic("a bug") }, incrementOne)
			}()
			if got := value(t, db, 1); got != 0 {
				t.Fatalf("a transaction that panicked left %d", got)
			}
			if used := db.Pool.Stat().AcquiredConns(); used != 0 {
				t.Fatalf("%d connections are still in use", used)
			}
		})
	})
}

func TestASwallowedErrorIsNotACommit(t *testing.T) {
	db := newTwo(t)
	for name, err := range map[string]error{ // each swallows the error of its statement: the mistake under test
		"one by one": db.InTx(t.Context(), func(tx pgx.Tx) error {
			_, _ = tx.Exec(t.Context(), "SELECT 1/0")
			return nil
		}),
		"in a batch": db.InBatch(t.Context(), func(batch *pgx.Batch) { batch.Queue("SELECT 1/0") }, func(results pgx.BatchResults) error {
			_, _ = results.Exec()
			return nil
		}),
		"not read": db.InBatch(t.Context(), func(batch *pgx.Batch) { batch.Queue("SELECT 1/0") }, func(pgx.BatchResults) error { return nil }),
	} {
		if err == nil || errors.Is(err, database.ErrOutcomeUnknown) {
			t.Errorf("%s: a transaction that the server rolled back gave %v", name, err)
		}
	}
}

// TestWhatTheServerSaysOfTheCommitOfABatch has the server run another statement for the COMMIT that a connection has prepared.
func TestWhatTheServerSaysOfTheCommitOfABatch(t *testing.T) {
	for _, c := range []struct {
		statement string
		err       func(error) bool
		left      int64 // of two batches, the first of which is committed
	}{
		{"commit", func(err error) bool { return err == nil }, 2},
		{"rollback", func(err error) bool { return errors.Is(err, pgx.ErrTxCommitRollback) }, 1}, // as a transaction that has failed is answered
		{"commit prepared 'of another'", func(err error) bool { return database.SQLState(err) == "25001" }, 1},
	} {
		t.Run(c.statement, func(t *testing.T) {
			db := newTwo(t)
			if db.Dialect == database.CockroachDB {
				t.Skip("what is prepared has no name there to be found by")
			}
			add := func() error {
				return db.InBatch(t.Context(), func(batch *pgx.Batch) { batch.Queue(incrementOne) }, func(results pgx.BatchResults) error {
					_, err := results.Exec()
					return err
				})
			}
			if err := add(); err != nil {
				t.Fatal(err)
			}
			if err := db.Pool.AcquireFunc(t.Context(), func(conn *pgxpool.Conn) error {
				return instead(t.Context(), conn.Conn(), "commit", c.statement)
			}); err != nil {
				t.Fatal(err)
			}
			if err := add(); !c.err(err) || errors.Is(err, database.ErrOutcomeUnknown) {
				t.Errorf("error is %v", err)
			}
			if got := value(t, db, 1); got != c.left {
				t.Errorf("the row is %d, want %d", got, c.left)
			}
		})
	}
}

// instead has a connection run another statement where it runs one that it has prepared.
func instead(ctx context.Context, conn *pgx.Conn, prepared, other string) error {
	var name string
	if err := conn.QueryRow(ctx, "SELECT name FROM pg_prepared_statements WHERE statement = $1", prepared).Scan(&name); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, "DEALLOCATE "+pgx.Identifier{name}.Sanitize()); err != nil {
		return err
	}
	_, err := conn.PgConn().Prepare(ctx, name, other, nil)
	return err
}

// TestALostAnswerIsAnUnknownOutcome cuts the connection once COMMIT is on its way.
func TestALostAnswerIsAnUnknownOutcome(t *testing.T) {
	commit, batched, release := chaos.Bytes([]byte("commit")), chaos.Prepared("commit"), chaos.Bytes([]byte("RELEASE SAVEPOINT"))
	for _, c := range []struct {
		name    string
		dialect database.Dialect
		commit  map[string]chaos.Matcher // by the way
		fault   chaos.Fault
		left    int64
	}{
		{"commit done", database.PostgreSQL, map[string]chaos.Matcher{oneByOne: commit, inABatch: batched}, chaos.LoseAnswer, 1},
		{"commit never arrives", database.PostgreSQL, map[string]chaos.Matcher{oneByOne: commit, inABatch: batched}, chaos.LoseRequest, 0},
		{"release never arrives", database.CockroachDB, map[string]chaos.Matcher{oneByOne: release, inABatch: batched}, chaos.LoseRequest, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			ways(t, func(t *testing.T, way string, run transaction) {
				db, proxy := throughProxy(t)
				db.Dialect = c.dialect
				trap := proxy.Arm(c.commit[way], 0, c.fault)
				runs := 0
				err := run(t.Context(), db, func() { runs++ }, incrementOne)
				<-trap.Fired()
				if !errors.Is(err, database.ErrOutcomeUnknown) || runs != 1 {
					t.Fatalf("after %d runs: %v, want an unknown outcome after one", runs, err)
				}
				if got := value(t, db, 1); got != c.left { // the pool goes on with a new connection
					t.Fatalf("the row is %d, want %d", got, c.left)
				}
			})
		})
	}
}

// TestAConnectionLostBeforeCommitIsNoCommit loses it where the statement's text passes: a batch prepares its statements before
// it sends any.
func TestAConnectionLostBeforeCommitIsNoCommit(t *testing.T) {
	both(t, func(t *testing.T, as func(*database.DB) *database.DB) {
		ways(t, func(t *testing.T, _ string, run transaction) {
			db, proxy := throughProxy(t)
			proxy.Arm(chaos.Bytes([]byte("UPDATE")), 0, chaos.LoseAnswer)
			err := run(t.Context(), as(db), func() {}, incrementOne)
			if !database.IsUnavailable(err) || errors.Is(err, database.ErrOutcomeUnknown) {
				t.Fatalf("error is %v, want unavailable and not committed", err)
			}
			if got := value(t, db, 1); got != 0 {
				t.Fatalf("the row is %d, want 0", got)
			}
		})
	})
}

// TestABatchLostOnItsWayIsAnUnknownOutcome: it does not know how far it came, and here it never came to COMMIT.
func TestABatchLostOnItsWayIsAnUnknownOutcome(t *testing.T) {
	db, proxy := throughProxy(t)
	add := func() error {
		return db.InBatch(t.Context(), func(batch *pgx.Batch) { batch.Queue(incrementOne) }, func(results pgx.BatchResults) error {
			_, err := results.Exec()
			return err
		})
	}
	if err := add(); err != nil {
		t.Fatal(err)
	}
	proxy.Arm(chaos.Prepared(incrementOne), 0, chaos.LoseRequest)
	if err := add(); !errors.Is(err, database.ErrOutcomeUnknown) {
		t.Fatalf("error is %v, want an unknown outcome", err)
	}
	if got := value(t, db, 1); got != 1 {
		t.Fatalf("the row is %d, want 1", got)
	}
}

func TestACancelledTransactionIsNoCommit(t *testing.T) {
	both(t, func(t *testing.T, as func(*database.DB) *database.DB) {
		ways(t, func(t *testing.T, _ string, run transaction) {
			db := as(newTwo(t))
			ctx, cancel := context.WithCancel(t.Context())
			err := run(ctx, db, cancel, incrementOne)
			if !errors.Is(err, context.Canceled) || errors.Is(err, database.ErrOutcomeUnknown) {
				t.Fatalf("error is %v, want cancelled and not committed", err)
			}
			if got := value(t, db, 1); got != 0 {
				t.Fatalf("the row is %d, want 0", got)
			}
		})
	})
}

// TestABatchThatIsCancelledOnItsWay waits for a row when it is cancelled: COMMIT is with the server, which may go on.
func TestABatchThatIsCancelledOnItsWay(t *testing.T) {
	db := newTwo(t)
	if db.Dialect == database.CockroachDB {
		t.Skip("pg_stat_activity tells of no waits")
	}
	other, err := db.Pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Rollback(t.Context()) }() // whatever is left of it ends with the database
	if err := increment(t.Context(), other, 1); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- db.InBatch(ctx, func(batch *pgx.Batch) { batch.Queue(incrementOne) }, func(results pgx.BatchResults) error {
			_, err := results.Exec()
			return err
		})
	}()
	untilOneWaits(t, db)
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) || !errors.Is(err, database.ErrOutcomeUnknown) {
		t.Fatalf("error is %v, want cancelled and an unknown outcome", err)
	}
}

// throughProxy opens a database whose connections a test can break.
func throughProxy(t *testing.T) (*database.DB, *chaos.Proxy) {
	t.Helper()
	address, err := url.Parse(newTwo(t).URL())
	if err != nil {
		t.Fatal(err)
	}
	proxy, err := chaos.NewProxy(address.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { proxy.Close() })
	address.Host = proxy.Addr()
	db, err := database.Open(t.Context(), address.String(), 4, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db, proxy
}

func TestClassesOfErrors(t *testing.T) {
	db := newTwo(t)
	_, err := db.Pool.Exec(t.Context(), "INSERT INTO two VALUES (1, 0)")
	if got := database.SQLState(fmt.Errorf("wrapped: %w", err)); got != "23505" {
		t.Errorf("SQLSTATE %q, want 23505", got)
	}
	if !database.IsData(err) || database.IsRetryable(err) || database.IsUnavailable(err) {
		t.Errorf("%v is of a wrong class", err)
	}
	if got := database.SQLState(errors.New("ours")); got != "" {
		t.Errorf("SQLSTATE of an error that is not the server's: %q", got)
	}
	if database.IsData(nil) || database.IsRetryable(nil) || database.IsUnavailable(nil) {
		t.Error("nil has a class")
	}
}

func TestMaskHidesPasswordsOnly(t *testing.T) {
	for in, want := range map[string]string{
		"postgres://weir:s3cret@db:5432/weir?sslmode=disable": "postgres://weir:xxxxx@db:5432/weir?sslmode=disable",
		"postgres://db/weir?password=s3cret":                  "postgres://db/weir?password=xxxxx",
		"host=db user=weir password='s3 cret' dbname=weir":    "host=db user=weir password=xxxxx dbname=weir",
		"host=db user=weir":                                   "host=db user=weir",
		"postgres://weir@db/weir":                             "postgres://weir@db/weir",
	} {
		if got := database.Mask(in); got != want {
			t.Errorf("Mask(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestErrorsOfOpenHideThePassword(t *testing.T) {
	address, err := url.Parse(databasetest.NewURL(t))
	if err != nil {
		t.Fatal(err)
	}
	missing := *address
	missing.Path = "/no_such_database"
	refused := *address
	refused.User = url.UserPassword(address.User.Username(), "wr0ng-s3cret")
	for _, raw := range []string{missing.String(), refused.String(), "postgres://weir:wr0ng-s3cret@host:not-a-port/x"} {
		db, err := database.Open(t.Context(), raw, 1, slog.New(slog.DiscardHandler))
		if err == nil {
			db.Close()
			continue // a server that trusts everyone
		}
		password, _ := address.User.Password()
		if strings.Contains(err.Error(), "wr0ng-s3cret") || (password != "" && strings.Contains(err.Error(), password)) {
			t.Errorf("the error shows the password: %v", err)
		}
	}
}
