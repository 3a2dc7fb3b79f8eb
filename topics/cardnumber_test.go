package topics

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
)

// Published test numbers of the card schemes and PSPs.
var testCardNumbers = []string{
	"4111111111111111", "4242424242424242", "4012888888881881", "4000000000000002", "4222222222222", "4917610000000000003",
	"5555555555554444", "5105105105105100", "2223003122003222", "2720994326581252", "2200000000000053",
	"378282246310005", "371449635398431", "30569309025904", "38520000023237", "36227206271667",
	"3530111333300000", "3566002020360505", "6011111111111117", "6011000990139424", "6200000000000005", "6205500000000000004",
	"6304000000000000", "5019717010103742", "6759649826438453", "9792020000000001", "8171999927660000",
}

// inScript writes digits in the script whose zero is given.
func inScript(digits string, zero rune) string {
	return strings.Map(func(r rune) rune { return r - '0' + zero }, digits)
}

func TestFindsCardNumbers(t *testing.T) {
	for _, pan := range testCardNumbers {
		forms := []string{
			`{"description":"` + pan + `"}`,
			`{"amount":` + pan + `}`,
			`{"amount": -` + pan + `}`,
			`{"unknown":{"deep":["` + pan + `"]}}`,
			`{"` + pan + `":1}`,
			`{"description":"card ` + pan + `, thanks"}`,
			`{"description":"No.` + pan + `"}`,
			`{"description":"tok_` + pan + `"}`,
			`{"description":"line\n` + pan + `\n"}`,
			`{"description":"\u003` + pan[:1] + pan[1:] + `"}`,
			`{"description":"é` + pan + `é"}`,
			`{"url":"https://shop/?card=` + pan + `&x=1"}`,
			inScript(pan, 0xFF10), inScript(pan, 0x660), inScript(pan, 0x6F0), inScript(pan, 0x966),
			pan,
			`\` + pan,
		}
		if len(pan) == 16 || len(pan) == 13 || len(pan) == 19 {
			forms = append(forms, grouped(pan, " ", 4, 4, 4, 4, 4), grouped(pan, "-", 4, 4, 4, 4, 4), grouped(pan, ".", 4, 4, 4, 4, 4),
				"12 "+grouped(pan, " - ", 4, 4, 4, 4, 4), grouped(pan, "\u00a0", 4, 4, 4, 4, 4), grouped(pan, "\u200b", 4, 4, 4, 4, 4), grouped(pan, "\u2060", 4, 4, 4, 4, 4), grouped(pan, "\u2013", 4, 4, 4, 4, 4),
				grouped(pan, `\u0020`, 4, 4, 4, 4, 4), grouped(pan, "/", 4, 4, 4, 4, 4), grouped(pan, `\/`, 4, 4, 4, 4, 4), grouped(pan, ":", 4, 4, 4, 4, 4),
				"tok_"+grouped(pan, "_", 4, 4, 4, 4, 4), "card:"+grouped(pan, ":", 4, 4, 4, 4, 4)+":1227", grouped(pan, " / ", 4, 4, 4, 4, 4),
				grouped(pan, "\uff0f", 4, 4, 4, 4, 4), "12/2027 "+grouped(pan, "_", 4, 4, 4, 4, 4)+"/123")
		}
		switch len(pan) {
		case 14, 15:
			forms = append(forms, grouped(pan, " ", 4, 6, 5), grouped(pan, "-", 4, 6, 5), grouped(pan, "/", 4, 6, 5), grouped(pan, ":", 4, 6, 5))
		case 13:
			forms = append(forms, grouped(pan, " ", 4, 3, 3, 3))
		case 19:
			forms = append(forms, grouped(pan, " ", 6, 13))
		}
		for _, form := range forms {
			if !FindCardNumber([]byte(form)) {
				t.Errorf("not found in %s", form)
			}
			masked, found := MaskCardNumbers([]byte(form))
			if !found || FindCardNumber(masked) || bytes.Contains(masked, []byte(pan[:8])) {
				t.Errorf("%s masked is %s", form, masked)
			}
		}
	}
}

func grouped(pan, separator string, sizes ...int) string {
	var parts []string
	for _, size := range sizes {
		size = min(size, len(pan))
		if size > 0 {
			parts = append(parts, pan[:size])
		}
		pan = pan[size:]
	}
	return strings.Join(parts, separator)
}

func TestMask(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{`{"a":"4111 1111 1111 1111","b":"5555555555554444"}`, `{"a":"**** **** **** 1111","b":"************4444"}`},
		{`"\u0034111111111111111"`, `"************1111"`},
		{`4111111111111111 4111111111111111`, `************1111 ************1111`},
		{`"４１１１　１１１１　１１１１　１１１１"`, `"****　****　****　１１１１"`},
		{`"\uff14１１１１１１１１１１１１１１１"`, `"************１１１１"`},
		{`nothing`, `nothing`},
	} {
		got, _ := MaskCardNumbers([]byte(test.in))
		if string(got) != test.want {
			t.Errorf("%s: got %s, want %s", test.in, got, test.want)
		}
	}
}

func TestFindsNoCardNumber(t *testing.T) {
	for _, text := range []string{
		"4111111111111112",               // check digit
		"1111111111111117",               // no issuer
		"41111111111111111111",           // 20 digits
		"424242424242",                   // 12 digits
		"x4111111111111111",              // a letter touches
		"4111111111111111e",              // so here
		`{"lat":52.4111111111111111}`,    // digits of a fraction
		`{"lat":"-13.4111111111111111"}`, //
		"4111 1111\n1111 1111",           // two lines
		"4111,1111,1111,1111",            // not a separator
		"491761_0000000000003",           // a number and a time
		"4111:1111:1111:1111::1",         // addresses
		"::4111:1111:1111:1111",          //
		"[2001:4860:4111:1111:1111:1111:0:1]:443",
		"ip:2001:4111:1111:1111:1111::/64",
		"20261122-04015912",                  // date and number
		"41111111-1111-1111",                 // not a printed shape
		"0190a3c4-5b6d-7e8f-9a0b-1c2d3e4f5a", //
		`"\u0034"`, `\`, `\u`, `\u00`, "", "\xff4\xff",
	} {
		if FindCardNumber([]byte(text)) {
			t.Errorf("found in %s", text)
		}
		if masked, found := MaskCardNumbers([]byte(text)); found || string(masked) != text {
			t.Errorf("masked %s: %s", text, masked)
		}
	}
}

// TestIdsAreNotCardNumbers: none of the ids and times that records carry is mistaken for a card number.
func TestIdsAreNotCardNumbers(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	from := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	for range 100_000 {
		var u uuid.UUID
		for i := range u {
			u[i] = byte(random.Uint32())
		}
		if random.IntN(4) == 0 { // worse than random: decimal digits only
			for i := range u {
				u[i] = byte(random.IntN(10)<<4 | random.IntN(10))
			}
		}
		u.SetVersion(uuid.V7)
		u.SetVariant(uuid.VariantRFC9562)
		at := from.Add(time.Duration(random.Int64N(int64(8 * 365 * 24 * time.Hour))))
		var ip [16]byte
		hex.Decode(ip[:], []byte(strings.ReplaceAll(u.String(), "-", "")))
		ip[0], ip[1] = 0x20, byte(random.IntN(10))
		address := netip.AddrFrom16(ip)
		text := fmt.Sprintf(`{"ip":%q,"network":%q,"socket":%q,"local":"/%s/%d/%d:%s_%d",`, address, netip.PrefixFrom(address, 64).Masked(),
			netip.AddrPortFrom(address, 443), at.Format("2006/01/02"), at.Unix(), at.UnixMilli(), at.Format("15:04:05"), random.Int32())
		text += fmt.Sprintf(`"command_id":%q,"customer_id":%q,"payment_id":%q,"event_id":%q,"account_id":%q,"at":%q,"ns":%d,"us":%d,"ms":%d,"s":%d,"trace":"00-%s-01"}`,
			u, GuestCustomer(u), PaymentID{random.Int32N(64), u}, EventID{random.Int32N(64), random.Int64N(1e11), int16(random.IntN(9))},
			hex.EncodeToString(u[:]), at.Format(time.RFC3339Nano), at.UnixNano(), at.UnixMicro(), at.UnixMilli(), at.Unix(), hex.EncodeToString(u[:]))
		if FindCardNumber([]byte(text)) {
			t.Fatalf("found a card number in %s", text)
		}
	}
}

// FuzzCardNumber: a masked text holds none, masking changes digits only, and a card number put into any text between
// characters that do not touch it is found.
func FuzzCardNumber(f *testing.F) {
	f.Add([]byte(`{"a":"4111 1111 1111 1111 123","b":`), []byte(`\u0034`))
	f.Add([]byte("4-6-5 3782-822463-10005"), []byte("."))
	f.Fuzz(func(t *testing.T, before, after []byte) {
		masked, found := MaskCardNumbers(before)
		if found != FindCardNumber(before) {
			t.Fatalf("%q: mask %v, find %v", before, found, !found)
		}
		if FindCardNumber(masked) {
			t.Fatalf("%q masked is %q, which still holds one", before, masked)
		}
		if !found && !bytes.Equal(masked, before) {
			t.Fatalf("%q changed to %q", before, masked)
		}
		for _, pan := range testCardNumbers[:3] {
			text := append(append(append([]byte{}, before...), `","x":"`+pan+`","y":"`...), after...)
			if !FindCardNumber(text) {
				t.Fatalf("not found in %q", text)
			}
		}
	})
}

func BenchmarkFindCardNumber(b *testing.B) {
	data, err := Marshal(exampleCommand())
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if FindCardNumber(data) {
			b.Fatal("found")
		}
	}
}
