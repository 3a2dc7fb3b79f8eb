package idempotency_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/weirhq/weir/api/idempotency"
	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/internal/database/databasetest"
)

// runToEnd stores what waits, as a process does that stops, and returns what it logs.
func runToEnd(t testing.TB, s *idempotency.Store) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var log bytes.Buffer
	s.Run(ctx, slog.New(slog.NewTextHandler(&log, nil)))
	return log.String()
}

func TestAnswersThatAreStoredLater(t *testing.T) {
	const n = 600 // more than two transactions
	s := idempotency.New(databasetest.New(t), takeOver)
	for i := range n {
		r := request(t, fmt.Sprint("k", i), 1)
		claim(t, s, r, idempotency.Fresh)
		if !s.FinishLater(r, 201, []byte(r.Key)) {
			t.Fatalf("the answer %d is not taken", i)
		}
	}
	claim(t, s, request(t, "k0", 1), idempotency.InFlight)
	if log := runToEnd(t, s); log != "" {
		t.Error(log)
	}
	for i := range n {
		if got := claim(t, s, request(t, fmt.Sprint("k", i), 1), idempotency.Finished); got.Status != 201 || string(got.Body) != fmt.Sprint("k", i) {
			t.Fatalf("key %d: got %d %q", i, got.Status, got.Body)
		}
	}
}

// A process that stops while the database is away does not try again and again.
func TestTheDatabaseIsAwayAtTheEnd(t *testing.T) {
	db, err := database.Open(t.Context(), databasetest.New(t).URL(), 1, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s := idempotency.New(db, takeOver)
	for i := range 600 {
		s.FinishLater(request(t, fmt.Sprint("k", i), 1), 201, []byte("{}"))
	}
	db.Close()
	if log := runToEnd(t, s); strings.Count(log, "are not stored") != 1 {
		t.Errorf("logged %q, want one failure", log)
	}
}

// Two who were answered alike store it without a word; of two who were not, the first counts and the log tells.
func TestAnAnswerThatIsStoredAlready(t *testing.T) {
	for second, warns := range map[string]bool{"one": false, "two": true} {
		s := idempotency.New(databasetest.New(t), takeOver)
		r := request(t, "k", 1)
		claim(t, s, r, idempotency.Fresh)
		s.FinishLater(r, 201, []byte("one"))
		s.FinishLater(r, 201, []byte(second))
		if log := runToEnd(t, s); strings.Contains(log, r.CommandID.String()) != warns {
			t.Errorf("%s: logged %q", second, log)
		}
		if got := claim(t, s, request(t, "k", 1), idempotency.Finished); string(got.Body) != "one" {
			t.Errorf("%s: got %q, want the first answer", second, got.Body)
		}
	}
}
