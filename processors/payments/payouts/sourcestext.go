package payouts

import (
	"fmt"
	"strconv"
	"time"

	"github.com/segmentio/encoding/json"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/topics"
)

// Every payment writes the sources of its customer, so they are short: what a source holds stands in a list, in this order, and
// not under names. The end of the list is left out where it is empty.
func (s *Source) texts() [8]*string {
	c := &s.Card
	return [...]*string{&s.Reference, &c.Token, &c.Fingerprint, &c.BIN, &c.Last4, &c.Scheme, &c.Type, &c.Country}
}

const placesBeforeTexts = 7 // PSP, currency, four amounts and the time of the last deposit

// Append adds sources in JSON, as they are stored.
func (s *Sources) Append(b []byte) []byte {
	b = append(b, '{')
	if len(s.All) > 0 {
		b = append(b, `"all":`...)
		for i := range s.All {
			b = append(b, "[,"[min(i, 1)])
			b = s.All[i].append(b)
		}
		b = append(b, ']')
	}
	if s.More {
		if len(s.All) > 0 {
			b = append(b, ',')
		}
		b = append(b, `"more":true`...)
	}
	return append(b, '}')
}

// MarshalJSON is Append.
func (s Sources) MarshalJSON() ([]byte, error) { return s.Append(nil), nil }

func (s *Source) append(b []byte) []byte {
	b = json.AppendEscape(append(b, '['), s.PSP, 0)
	b = json.AppendEscape(append(b, ','), string(s.Currency), 0)
	for _, amount := range [...]int64{s.Deposited, s.PaidOut, s.Open, s.Over} {
		b = strconv.AppendInt(append(b, ','), amount, 10)
	}
	b = append(s.Last.AppendFormat(append(b, `,"`...), time.RFC3339Nano), '"')
	end := len(b)
	for _, text := range s.texts() {
		b = json.AppendEscape(append(b, ','), *text, 0)
		if *text != "" {
			end = len(b)
		}
	}
	return append(b[:end], ']')
}

// UnmarshalJSON reads a source as Append spells it, or with names, as it was stored before.
func (s *Source) UnmarshalJSON(data []byte) error {
	if data[0] == '{' {
		return json.Unmarshal(data, (*named)(s))
	}
	var list []json.RawMessage
	if err := json.Unmarshal(data, &list); err != nil {
		return err
	}
	places := []any{&s.PSP, &s.Currency, &s.Deposited, &s.PaidOut, &s.Open, &s.Over, &s.Last}
	for _, text := range s.texts() {
		places = append(places, text)
	}
	if len(list) < placesBeforeTexts || len(list) > len(places) {
		return fmt.Errorf("a source of deposits has %d places, want %d to %d", len(list), placesBeforeTexts, len(places))
	}
	for i, value := range list {
		if err := json.Unmarshal(value, places[i]); err != nil {
			return fmt.Errorf("place %d of a source of deposits: %w", i, err)
		}
	}
	return nil
}

// named is a source with names.
type named struct {
	PSP       string          `json:"psp"`
	Currency  ledger.Currency `json:"currency"`
	Card      topics.Card     `json:"card"`
	Reference string          `json:"reference,omitempty"`
	Deposited int64           `json:"deposited"`
	PaidOut   int64           `json:"paid_out,omitempty"`
	Open      int64           `json:"open,omitempty"`
	Over      int64           `json:"over,omitempty"`
	Last      time.Time       `json:"last"`
}
