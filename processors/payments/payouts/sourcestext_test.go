package payouts_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/weirhq/weir/processors/payments/payouts"
	"github.com/weirhq/weir/topics"
)

// Whatever fields sources and their cards come to have: what is stored of them is read again as it was.
func TestSourcesAreReadAsTheyWereStored(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var stored, read payouts.Sources
		for range rapid.IntRange(0, 3).Draw(t, "sources") {
			var s payouts.Source
			fill(t, reflect.ValueOf(&s).Elem())
			stored.All = append(stored.All, s)
		}
		data, err := topics.Marshal(&stored)
		if err != nil {
			t.Fatal(err)
		}
		if err := topics.Unmarshal(data, &read); err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		if !reflect.DeepEqual(stored, read) {
			t.Fatalf("stored %+v as %s, read %+v", stored, data, read)
		}
	})
}

func fill(t *rapid.T, v reflect.Value) {
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.UnixMilli(rapid.Int64Range(0, 1<<42).Draw(t, "ms")).UTC()))
		return
	case string:
		v.SetString(rapid.OneOf(rapid.Just(""), rapid.StringN(0, 8, 32)).Draw(t, "text"))
		return
	case int64:
		v.SetInt(rapid.Int64().Draw(t, "amount"))
		return
	}
	if v.Kind() == reflect.String {
		v.SetString(rapid.SampledFrom([]string{"EUR", "JPY"}).Draw(t, "name"))
		return
	}
	for i := range v.NumField() { // panics where a field is of none of these kinds
		fill(t, v.Field(i))
	}
}

// Sources that were stored with names are read; what is neither a list of the right length nor has names is refused.
func TestSourcesOfBeforeAreRead(t *testing.T) {
	const before = `{"all":[{"psp":"sandbox","currency":"EUR","card":{"token":"tok_1","bin":"411111"},"reference":"ref_1","deposited":10000,"paid_out":6000,"open":3000,"over":1,"last":"2026-03-01T12:00:00.5Z"}],"more":true}`
	const now = `{"all":[["sandbox","EUR",10000,6000,3000,1,"2026-03-01T12:00:00.5Z","ref_1","tok_1","","411111"]],"more":true}`
	for _, text := range []string{before, now} {
		var s payouts.Sources
		if err := topics.Unmarshal([]byte(text), &s); err != nil {
			t.Fatal(err)
		}
		if data, err := topics.Marshal(&s); err != nil || string(data) != now {
			t.Errorf("%s, %v; want %s", data, err, now)
		}
	}
	for _, text := range []string{
		`["sandbox","EUR",1,0,0,0]`,
		`["sandbox","EUR",1,0,0,0,"2026-03-01T12:00:00Z"` + strings.Repeat(`,"x"`, 9) + `]`,
		`["sandbox","EUR","1",0,0,0,"2026-03-01T12:00:00Z"]`,
		`null`,
	} {
		var s payouts.Sources
		if err := topics.Unmarshal(fmt.Appendf(nil, `{"all":[%s]}`, text), &s); err == nil {
			t.Errorf("%s was read as %+v", text, s)
		}
	}
}
