package ledger

import (
	"errors"
	"math"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParseMoney(t *testing.T) {
	for text, want := range map[string]Money{
		"10.50 EUR":                 {1050, "EUR"},
		"10.5 EUR":                  {1050, "EUR"},
		"10 EUR":                    {1000, "EUR"},
		" -0.05 EUR ":               {-5, "EUR"},
		"-3 JPY":                    {-3, "JPY"},
		"1.234 KWD":                 {1234, "KWD"},
		"0.0001 CLF":                {1, "CLF"},
		"007.00 USD":                {700, "USD"},
		"92233720368547758.07 EUR":  {math.MaxInt64, "EUR"},
		"-92233720368547758.08 EUR": {math.MinInt64, "EUR"},
	} {
		if got, err := ParseMoney(text); err != nil || got != want {
			t.Errorf("ParseMoney(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
	for text, problem := range map[string]string{
		"":                         "want a number",
		"10.50":                    "want a number",
		"EUR":                      "want a number",
		"10.50 eur":                "not an ISO 4217",
		"10.50 XXX":                "not an ISO 4217",
		"10.505 EUR":               "2 decimals, not 3",
		"1.0 JPY":                  "0 decimals, not 1",
		"1. EUR":                   "digits are missing",
		".5 EUR":                   "want digits",
		"+1 EUR":                   "want digits",
		"--1 EUR":                  "want digits",
		"1,5 EUR":                  "want digits",
		"1e3 EUR":                  "want digits",
		"0x10 EUR":                 "want digits",
		"1.5.5 EUR":                "decimals",
		"٣ EUR":                    "want digits",
		"92233720368547758.08 EUR": "does not fit",
	} {
		if got, err := ParseMoney(text); err == nil || !strings.Contains(err.Error(), problem) {
			t.Errorf("ParseMoney(%q) = %v, %v, want an error with %q", text, got, err, problem)
		}
	}
}

func TestMoneyRoundTripsInEveryCurrency(t *testing.T) {
	for currency := range exponents {
		t.Run(string(currency), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				money := Money{rapid.Int64().Draw(t, "minor"), currency}
				if got, err := ParseMoney(money.String()); err != nil || got != money {
					t.Fatalf("ParseMoney(%q) = %v, %v, want %v", money.String(), got, err, money)
				}
			})
		})
	}
}

// edgy draws amounts that lie close to zero or to the ends of the range.
func edgy() *rapid.Generator[int64] {
	return rapid.OneOf(rapid.Int64(), rapid.Int64Range(-3, 3), rapid.Int64Range(math.MinInt64, math.MinInt64+3),
		rapid.Int64Range(math.MaxInt64-3, math.MaxInt64))
}

func TestArithmeticNeverWraps(t *testing.T) {
	check := func(t *rapid.T, op string, want *big.Int, got int64, err error) {
		fits := want.IsInt64() && want.Int64() != math.MinInt64
		switch {
		case fits && (err != nil || got != want.Int64()):
			t.Fatalf("%s = %d, %v, want %s", op, got, err, want)
		case !fits && !errors.Is(err, ErrOverflow):
			t.Fatalf("%s = %d, %v, want ErrOverflow: the result is %s", op, got, err, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := edgy().Draw(t, "a"), edgy().Draw(t, "b")
		x, y := big.NewInt(a), big.NewInt(b)
		sum, err := AddMinor(a, b)
		check(t, "a + b", new(big.Int).Add(x, y), sum, err)
		difference, err := SubMinor(a, b)
		check(t, "a - b", new(big.Int).Sub(x, y), difference, err)
		money, err := Money{a, "EUR"}.Add(Money{b, "EUR"})
		check(t, "a EUR + b EUR", new(big.Int).Add(x, y), money.Minor, err)
		money, err = Money{a, "EUR"}.Sub(Money{b, "EUR"})
		check(t, "a EUR - b EUR", new(big.Int).Sub(x, y), money.Minor, err)
	})
}

func TestCurrenciesDoNotMix(t *testing.T) {
	if _, err := (Money{1, "EUR"}).Add(Money{1, "USD"}); err == nil {
		t.Error("EUR + USD gave no error")
	}
	if _, err := (Money{1, "EUR"}).Sub(Money{1, "USD"}); err == nil {
		t.Error("EUR - USD gave no error")
	}
}

func TestTotalIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		addends := rapid.SliceOfN(edgy(), 0, 40).Draw(t, "addends")
		want := new(big.Int)
		var got total
		for _, a := range addends {
			got.add(a)
			want.Add(want, big.NewInt(a))
		}
		if got.zero() != (want.Sign() == 0) {
			t.Fatalf("zero() = %v of %v, whose sum is %s", got.zero(), addends, want)
		}
		for _, a := range addends { // and back, which no single negation could do for the lowest int64
			got.add(-(a + 1))
			got.add(1)
		}
		if !got.zero() {
			t.Fatalf("%v less itself is not zero", addends)
		}
	})
}
