package idempotency_test

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/api/idempotency"
	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/internal/database/databasetest"
)

const takeOver = 15 * time.Second

func request(t testing.TB, key string, parameters byte) idempotency.Request {
	t.Helper()
	id, err := uuid.NewV7()
	if err != nil {
		t.Fatal(err)
	}
	return idempotency.Request{Tenant: "acme", Key: key, Fingerprint: [32]byte{parameters}, CommandID: id}
}

func claim(t testing.TB, s *idempotency.Store, r idempotency.Request, want idempotency.Verdict) idempotency.Claim {
	t.Helper()
	c, err := s.Claim(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if c.Verdict != want {
		t.Fatalf("key %s: got %s, want %s", r.Key, c.Verdict, want)
	}
	return c
}

// age makes a key look as if it had been claimed earlier.
func age(t testing.TB, db *database.DB, key string, by time.Duration) {
	t.Helper()
	_, err := db.Pool.Exec(t.Context(), `UPDATE idempotency_keys SET created_at = created_at - $2::interval WHERE key = $1`, key, by)
	if err != nil {
		t.Fatal(err)
	}
}

func TestAKeysLife(t *testing.T) {
	db := databasetest.New(t)
	s := idempotency.New(db, takeOver)
	first := request(t, "k", 1)
	claim(t, s, first, idempotency.Fresh)

	again := claim(t, s, request(t, "k", 1), idempotency.InFlight)
	if again.RetryAfter <= 0 || again.RetryAfter > takeOver {
		t.Errorf("retry after %s, want up to %s", again.RetryAfter, takeOver)
	}
	claim(t, s, request(t, "k", 2), idempotency.Mismatch)
	other := request(t, "k", 2)
	other.Tenant = "other"
	claim(t, s, other, idempotency.Fresh)

	body := []byte(`{"id":"pay_1"}`)
	status, stored, err := s.Finish(t.Context(), first, 201, body)
	if err != nil || status != 201 || string(stored) != string(body) {
		t.Fatalf("finish: %d %q %v", status, stored, err)
	}
	restarted := idempotency.New(db, takeOver)
	done := claim(t, restarted, request(t, "k", 1), idempotency.Finished)
	if done.Status != 201 || string(done.Body) != string(body) || done.CommandID != first.CommandID {
		t.Errorf("got %d %q for command %s", done.Status, done.Body, done.CommandID)
	}
	claim(t, restarted, request(t, "k", 2), idempotency.Mismatch)
}

// A process that dies between the claim and the answer leaves the key to whoever repeats after the limit: once, with the
// same command id.
func TestAbandonedClaimIsTakenOver(t *testing.T) {
	db := databasetest.New(t)
	s := idempotency.New(db, takeOver)
	first := request(t, "k", 1)
	claim(t, s, first, idempotency.Fresh)
	age(t, db, "k", takeOver-time.Second)
	claim(t, s, request(t, "k", 1), idempotency.InFlight)
	age(t, db, "k", time.Second)
	claim(t, s, request(t, "k", 2), idempotency.Mismatch)
	if got := claim(t, s, request(t, "k", 1), idempotency.Resumed); got.CommandID != first.CommandID {
		t.Errorf("taken over with command %s, want %s", got.CommandID, first.CommandID)
	}
	claim(t, s, request(t, "k", 1), idempotency.InFlight) // the take-over is a claim of its own
}

func TestAnOpenKeyIsResumedAtOnce(t *testing.T) {
	s := idempotency.New(databasetest.New(t), takeOver)
	first := request(t, "k", 1)
	claim(t, s, first, idempotency.Fresh)
	if err := s.Open(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got := claim(t, s, request(t, "k", 1), idempotency.Resumed); got.CommandID != first.CommandID {
			t.Errorf("resumed with command %s, want %s", got.CommandID, first.CommandID)
		}
	}
	if _, _, err := s.Finish(t.Context(), first, 201, []byte("one")); err != nil {
		t.Fatal(err)
	}
	// The repeat that comes second gives the answer of the first, and cannot open the key again.
	status, body, err := s.Finish(t.Context(), first, 200, []byte("two"))
	if err != nil || status != 201 || string(body) != "one" {
		t.Errorf("got %d %q %v, want the first answer", status, body, err)
	}
	if err := s.Open(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if got := claim(t, s, request(t, "k", 1), idempotency.Finished); string(got.Body) != "one" {
		t.Errorf("got %q, want the first answer", got.Body)
	}
}

func TestConcurrentRequestsClaimOnce(t *testing.T) {
	const n = 100
	db := databasetest.New(t)
	s := idempotency.New(db, takeOver)
	verdicts := func(key string) (counts map[idempotency.Verdict]int, ids map[uuid.UUID]bool) {
		counts, ids = map[idempotency.Verdict]int{}, map[uuid.UUID]bool{}
		var mu sync.Mutex
		var wg sync.WaitGroup
		for range n {
			r := request(t, key, 1)
			wg.Go(func() {
				c, err := s.Claim(context.WithoutCancel(t.Context()), r)
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					t.Error(err)
					return
				}
				counts[c.Verdict]++
				if c.Verdict != idempotency.InFlight {
					ids[c.CommandID] = true
				}
			})
		}
		wg.Wait()
		return counts, ids
	}
	if counts, ids := verdicts("k"); counts[idempotency.Fresh] != 1 || counts[idempotency.InFlight] != n-1 || len(ids) != 1 {
		t.Errorf("new key: %v, %d command ids; want one fresh", counts, len(ids))
	}
	age(t, db, "k", takeOver)
	if counts, ids := verdicts("k"); counts[idempotency.Resumed] != 1 || counts[idempotency.InFlight] != n-1 || len(ids) != 1 {
		t.Errorf("abandoned key: %v, %d command ids; want one resumed", counts, len(ids))
	}
}

func TestSweep(t *testing.T) {
	const n = 2500 // more than two pages
	db := databasetest.New(t)
	s := idempotency.New(db, takeOver)
	_, err := db.Pool.Exec(t.Context(), `
		INSERT INTO idempotency_keys (tenant, key, fingerprint, command_id, created_at, status)
		SELECT 'acme', 'k' || i, '\x00', $1, now() - CASE WHEN i % 2 = 0 THEN interval '31 days' ELSE interval '29 days' END, 0
		FROM generate_series(1, $2::int) AS i`, uuid.Must(uuid.NewV7()), n)
	if err != nil {
		t.Fatal(err)
	}
	deleted, err := s.Sweep(t.Context(), 30*24*time.Hour, 0)
	if err != nil || deleted != n/2 {
		t.Fatalf("deleted %d, %v; want %d", deleted, err, n/2)
	}
	var left []string
	rows, err := db.Pool.Query(t.Context(), `SELECT key FROM idempotency_keys`)
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		var key string
		if err := rows.Scan(&key); err != nil {
			t.Fatal(err)
		}
		left = append(left, key)
	}
	if rows.Err() != nil || len(left) != n/2 || slices.Contains(left, "k2") || !slices.Contains(left, "k"+strconv.Itoa(n-1)) {
		t.Errorf("%d keys left, %v", len(left), rows.Err())
	}
}
