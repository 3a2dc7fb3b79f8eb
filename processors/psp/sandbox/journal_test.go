package sandbox

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func opened(t *testing.T, cfg Config) *book {
	t.Helper()
	b, err := openBook(cfg.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.close(); err != nil && !strings.Contains(err.Error(), "already closed") {
			t.Error(err)
		}
	})
	return b
}

func request(token string, amount int64) *Request {
	return &Request{MerchantReference: "ref", Amount: amount, Currency: "EUR", Card: &Card{token}, Capture: true}
}

func authorizeIn(t *testing.T, b *book, key, token string) Operation {
	t.Helper()
	op, _, refused := b.perform(Authorize, key, "print", request(token, 1000), "")
	if refused != nil {
		t.Fatalf("%s: %+v", key, refused)
	}
	return op
}

func TestTornLineIsCutOff(t *testing.T) {
	dir := t.TempDir()
	b := opened(t, Config{DataDir: dir})
	authorizeIn(t, b, "1", "tok_approved")
	authorizeIn(t, b, "2", "tok_approved")
	if err := b.close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, journalName)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	second := strings.Index(string(whole), "\n") + 1
	for _, cut := range []int{len(whole) - 1, second + 1, second} { // a crash while the second line was written
		if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		again := opened(t, Config{DataDir: dir})
		if len(again.payments) != 1 {
			t.Errorf("cut at %d of %d: %d payments", cut, len(whole), len(again.payments))
		}
		authorizeIn(t, again, "3", "tok_approved")
		if err := again.close(); err != nil {
			t.Fatal(err)
		}
		if third := opened(t, Config{DataDir: dir}); len(third.payments) != 2 {
			t.Errorf("written after the cut at %d: %d payments", cut, len(third.payments))
		}
	}
}

func TestBrokenJournalStopsTheStart(t *testing.T) {
	dir := t.TempDir()
	for _, content := range []string{"nonsense\n", "{}\n"} {
		if err := os.WriteFile(filepath.Join(dir, journalName), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := openBook(Config{DataDir: dir}.withDefaults()); err == nil || !strings.Contains(err.Error(), "byte 0") {
			t.Errorf("%q: %v; want an error that says where", content, err)
		}
	}
}

func TestJournalIsRewritten(t *testing.T) {
	dir := t.TempDir()
	b := opened(t, Config{DataDir: dir, MaxPayments: 3})
	for i := range 20 {
		authorizeIn(t, b, fmt.Sprint(i), "tok_approved")
	}
	before := b.journal.size
	if err := b.journal.rewrite(b.each); err != nil {
		t.Fatal(err)
	}
	if b.journal.size != b.liveBytes || b.journal.size >= before {
		t.Errorf("%d bytes after, %d before, %d live", b.journal.size, before, b.liveBytes)
	}
	authorizeIn(t, b, "last", "tok_approved")
	if err := b.close(); err != nil {
		t.Fatal(err)
	}
	again := opened(t, Config{DataDir: dir, MaxPayments: 3})
	for _, key := range []string{"18", "19", "last"} {
		if p, _ := again.find(key); p == nil {
			t.Errorf("%s is gone", key)
		}
	}
	if again.liveBytes != b.liveBytes || len(again.payments) != 3 {
		t.Errorf("%d payments of %d bytes; want 3 of %d", len(again.payments), again.liveBytes, b.liveBytes)
	}
}

func TestOldestSettledPaymentsAreForgotten(t *testing.T) {
	b := opened(t, Config{MaxPayments: 3, SettleDelay: time.Hour})
	authorizeIn(t, b, "pending", "tok_async")
	for i := range 5 {
		authorizeIn(t, b, fmt.Sprint(i), "tok_approved")
	}
	if len(b.payments) != 3 || len(b.keys) != 3 || len(b.references["ref"]) != 3 {
		t.Errorf("%d payments, %d keys, %d references", len(b.payments), len(b.keys), len(b.references["ref"]))
	}
	if p, _ := b.find("pending"); p == nil {
		t.Error("a payment that is owed a result was forgotten")
	}
	full := opened(t, Config{MaxPayments: 1, SettleDelay: time.Hour})
	authorizeIn(t, full, "pending", "tok_async")
	if _, _, refused := full.perform(Authorize, "more", "print", request("tok_approved", 1), ""); refused == nil || refused.code != CodeUnavailable {
		t.Errorf("more than may be kept: %+v", refused)
	}
}

func TestFullDiskPerformsNothing(t *testing.T) {
	b := opened(t, Config{DataDir: t.TempDir()})
	if err := b.journal.file.Close(); err != nil { // every write fails from now on
		t.Fatal(err)
	}
	_, _, refused := b.perform(Authorize, "1", "print", request("tok_approved", 1000), "")
	if refused == nil || refused.code != CodeUnavailable {
		t.Fatalf("performed without a journal: %+v", refused)
	}
	if p, _ := b.find("1"); p != nil {
		t.Error("it is remembered although it was refused")
	}
}

func TestFee(t *testing.T) {
	f := performer{cfg: Config{}.withDefaults()}
	for amount, want := range map[int64]int64{
		1: 1, 25: 25, 26: 25, 1000: 39, 1035: 39, 1036: 40, 10_000: 165,
		9_223_372_036_854_775_807: 129_127_208_515_966_861 + 25,
	} {
		if got := f.fee(amount); got != want {
			t.Errorf("fee of %d: %d, want %d", amount, got, want)
		}
	}
}
