package ledger

import (
	"maps"
	"slices"
	"strings"
)

// exponents holds the decimals of each current ISO 4217 currency (list one, without funds, metals and testing codes).
var exponents = func() map[Currency]uint8 {
	byExponent := map[uint8]string{
		0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF",
		2: "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP " +
			"CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR " +
			"IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN " +
			"NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP " +
			"STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD YER ZAR ZMW ZWG",
		3: "BHD IQD JOD KWD LYD OMR TND",
		4: "CLF UYW",
	}
	m := make(map[Currency]uint8, 180)
	for exponent, codes := range byExponent {
		for code := range strings.FieldsSeq(codes) {
			m[Currency(code)] = exponent
		}
	}
	return m
}()

// Currencies returns every current ISO 4217 currency, in the order of their codes.
func Currencies() []Currency { return slices.Sorted(maps.Keys(exponents)) }
