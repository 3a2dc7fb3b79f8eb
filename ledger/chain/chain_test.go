package chain

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"pgregory.net/rapid"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

var booked = time.Date(2026, 1, 31, 9, 30, 0, 250_000_999, time.UTC)

func published() *topics.LedgerEntry {
	return &topics.LedgerEntry{
		EntryID: "3-17-1", Template: "deposit_captured", Tenant: "acme", PaymentID: "pay_0003_018e0000000070008000000000000001",
		BookedAt: booked, Reference: "round-7",
		Postings: []topics.LedgerPosting{
			{AccountID: strings.Repeat("0a", 16), Code: "psp_receivable", Currency: "EUR", Amount: 9710},
			{AccountID: strings.Repeat("0b", 16), Code: "customer_wallet", Owner: "ana", Currency: "EUR", Amount: -9710},
		},
	}
}

// TestEncoding is the encoding as the package's comment gives it, and the hashes that follow from it. They were computed
// apart, in Python.
func TestEncoding(t *testing.T) {
	v := published()
	r, err := Published(v)
	if err != nil {
		t.Fatal(err)
	}
	micros := fmt.Sprintf("%016x", booked.UnixMicro())
	want := strings.Join([]string{
		"01", "0000000000000011", "0001", micros, micros, "018e0000000070008000000000000001",
		"00000010", hex.EncodeToString([]byte("deposit_captured")), "00000007", hex.EncodeToString([]byte("round-7")),
		"00000002", strings.Repeat("0a", 16), "00000000000025ee", strings.Repeat("0b", 16), "ffffffffffffda12",
	}, "")
	if got := hex.EncodeToString(r.Append(nil)); got != want {
		t.Errorf("encoded\n%s, want\n%s", got, want)
	}
	head := Genesis(3)
	if got := hex.EncodeToString(head.Hash[:]); got != "b8acc3628c310975894c86e66a26e2c7a47c80c451996a5fcce7a703c1265a06" {
		t.Errorf("h(0) is %s", got)
	}
	head = new(Hasher).Extend(&head, &r)
	if got := hex.EncodeToString(head.Hash[:]); got != "bf2613b5fc092be64e17a36325f994ad094c14b0282b51ffc0a4eb2e7a847a5e" || uint64(head.Link())>>32 != 0xbf2613b5 {
		t.Errorf("h(1) is %s, and the link %x", got, uint64(head.Link()))
	}
	if head.Entries != 1 || head.Last() != (ledger.EntryID{Partition: 3, Position: 17, Index: 1}) {
		t.Errorf("%d entries, the last %s", head.Entries, head.Last())
	}
}

func TestEffectiveTimeIsTheBookingTimeByDefault(t *testing.T) {
	v := published()
	without, err := Published(v)
	if err != nil {
		t.Fatal(err)
	}
	v.EffectiveAt = v.BookedAt
	with, err := Published(v)
	if err != nil || !reflect.DeepEqual(with, without) {
		t.Errorf("%+v, %v, want %+v", with, err, without)
	}
}

func TestPublishedThatIsNotReadable(t *testing.T) {
	for want, change := range map[string]func(*topics.LedgerEntry){
		"event id":   func(v *topics.LedgerEntry) { v.EntryID = "3-17" },
		"account id": func(v *topics.LedgerEntry) { v.Postings[0].AccountID = "ana" },
		"payment":    func(v *topics.LedgerEntry) { v.PaymentID = "17" },
	} {
		v := published()
		change(v)
		if _, err := Published(v); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func drawRecord(r *rapid.T, position int64) Record {
	account := rapid.SampledFrom([]ledger.AccountID{{1}, {2}, {3}})
	record := Record{
		Position: position, Index: rapid.Int16Range(0, 2).Draw(r, "index"), Booked: rapid.Int64().Draw(r, "booked"),
		Template: rapid.StringN(0, 4, -1).Draw(r, "template"), Reference: rapid.StringN(0, 4, -1).Draw(r, "reference"),
	}
	record.Effective = rapid.SampledFrom([]int64{record.Booked, 0, 1}).Draw(r, "effective")
	record.Payment[0] = rapid.Byte().Draw(r, "payment")
	for range rapid.IntRange(2, 4).Draw(r, "postings") {
		record.Accounts = append(record.Accounts, account.Draw(r, "account"))
		record.Amounts = append(record.Amounts, rapid.Int64().Draw(r, "amount"))
	}
	return record
}

// TestRecordsDifferWhereTheirEncodingsDo: no two records share an encoding.
func TestRecordsDifferWhereTheirEncodingsDo(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		a, b := drawRecord(r, 1), drawRecord(r, 1)
		if same := bytes.Equal(a.Append(nil), b.Append(nil)); same != reflect.DeepEqual(a, b) {
			r.Fatalf("encodings equal: %v, of\n%+v and\n%+v", same, a, b)
		}
	})
}

func BenchmarkExtend(b *testing.B) {
	var hasher Hasher
	r, err := Published(published())
	if err != nil {
		b.Fatal(err)
	}
	head := Genesis(3)
	b.ReportAllocs()
	for b.Loop() {
		head = hasher.Extend(&head, &r)
	}
}

func BenchmarkSet(b *testing.B) {
	var r Record
	c := ledger.Customer{Tenant: "acme", ID: "ana", Currency: "EUR"}
	e, err := ledger.DepositCaptured(c, 10000, 0, ledger.Standing{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := r.Set(&e); err != nil {
			b.Fatal(err)
		}
	}
}

func newKeys(t *testing.T, name string) (note.Signer, note.Verifier) {
	t.Helper()
	secret, public, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		t.Fatal(err)
	}
	if derived, err := PublicKey(secret); err != nil || derived != public {
		t.Fatalf("public key %s, %v, want %s", derived, err, public)
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	return signer, verifier
}

func TestCheckpoint(t *testing.T) {
	signer, verifier := newKeys(t, "weir/test")
	head := Head{Partition: 3, Entries: 1204, Position: 5120, Index: 1, Hash: [32]byte{0x8d, 31: 7}}
	signed, err := Sign(head, booked, signer)
	if err != nil {
		t.Fatal(err)
	}
	const text = `weir/test/ledger/3
1204
jQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAc=
entry 3-5120-1
signed 2026-01-31T09:30:00.250000999Z

— weir/test `
	if !strings.HasPrefix(string(signed), text) {
		t.Errorf("signed\n%s, want it to begin with\n%s", signed, text)
	}
	want := Checkpoint{"weir/test", head, booked}
	if got, err := Open(signed, verifier); err != nil || got != want {
		t.Errorf("opened %+v, %v, want %+v", got, err, want)
	}
	forged := bytes.Replace(signed, []byte("\n1204\n"), []byte("\n1203\n"), 1)
	if _, err := Open(forged, verifier); err == nil {
		t.Error("a changed size was accepted")
	}
	_, other := newKeys(t, "weir/test")
	if _, err := Open(signed, other); err == nil {
		t.Error("another key of the same name was accepted")
	}
}

// TestNotACheckpoint signs texts that are none.
func TestNotACheckpoint(t *testing.T) {
	signer, verifier := newKeys(t, "weir/test")
	c := Checkpoint{"weir/test", Head{Partition: 3, Entries: 1, Position: 5}, booked}
	for want, change := range map[string][2]string{
		"names":        {"weir/test/ledger", "weir/other/ledger"},
		"origin":       {"/ledger/3", "/ledger/x"},
		"size":         {"\n1\n", "\n0\n"},
		"head":         {"AAAA", "AAA"},
		"partition 3":  {"entry 3-", "entry 4-"},
		"and a time":   {"signed 2026", "signed on 2026"},
		"want origin,": {"entry 3-5-0\nsigned 2026-01-31T09:30:00.250000999Z\n", ""},
	} {
		text := strings.Replace(c.Text(), change[0], change[1], 1)
		signed, err := note.Sign(&note.Note{Text: text}, signer)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Open(signed, verifier); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want it to name %q, of\n%s", err, want, text)
		}
	}
}

func TestPublicKeyOfSomethingElse(t *testing.T) {
	for _, key := range []string{"", "weir", "PRIVATE+KEY+weir/test+0e2bd9a4+AAAA"} {
		if public, err := PublicKey(key); err == nil {
			t.Errorf("of %q: %s", key, public)
		}
	}
}
