package rules

import (
	"strconv"

	"github.com/weirhq/weir/topics"
)

// foundFields are what data files say of the IP address and of the BIN. Each is missing where its file is not
// configured or says nothing.
func foundFields() []Field {
	const (
		noASN = "Missing without risk.geoip_asn."
		noBIN = "Missing without risk.bin_table."
	)
	bin := func(e *topics.Enrichment) *topics.BIN {
		if e.BIN == nil {
			e.BIN = &topics.BIN{}
		}
		return e.BIN
	}
	ofBIN := func(get func(*topics.BIN) string) func(*topics.Enrichment) string {
		return func(e *topics.Enrichment) string {
			if e.BIN == nil {
				return ""
			}
			return get(e.BIN)
		}
	}
	return []Field{
		{Name: "ip.asn", Type: TypeText, Example: "AS64500", Match: MatchExact,
			Doc: "The network of the IP address: AS and its number. " + noASN, literal: asnLiteral,
			found:    func(e *topics.Enrichment) string { return e.ASN },
			setFound: func(e *topics.Enrichment, v string) { e.ASN = v }},
		{Name: "ip.country", Type: TypeText, Example: "DE", Match: MatchExact,
			Doc: "Country of the IP address, two upper-case letters (ISO 3166-1). Missing without risk.geoip_country.", literal: countryLiteral,
			found:    func(e *topics.Enrichment) string { return e.IPCountry },
			setFound: func(e *topics.Enrichment, v string) { e.IPCountry = v }},
		{Name: "bin.scheme", Type: TypeText, Example: "visa", Match: MatchIgnoreCase,
			Doc: "visa, mastercard, …, by the BIN table; always lower case here. " + noBIN, literal: lowerLiteral,
			found:    ofBIN(func(b *topics.BIN) string { return b.Scheme }),
			setFound: func(e *topics.Enrichment, v string) { bin(e).Scheme = v }},
		{Name: "bin.brand", Type: TypeText, Example: "platinum", Match: MatchIgnoreCase,
			Doc: "The card's product, by the BIN table; always lower case here. " + noBIN, literal: lowerLiteral,
			found:    ofBIN(func(b *topics.BIN) string { return b.Brand }),
			setFound: func(e *topics.Enrichment, v string) { bin(e).Brand = v }},
		{Name: "bin.type", Type: TypeText, Example: "prepaid", Match: MatchExact,
			Doc: "credit, debit or prepaid, by the BIN table. " + noBIN, literal: oneOf(cardTypes...),
			found:    ofBIN(func(b *topics.BIN) string { return b.Type }),
			setFound: func(e *topics.Enrichment, v string) { bin(e).Type = v }},
		{Name: "bin.country", Type: TypeText, Example: "DE", Match: MatchExact,
			Doc: "Country of the issuer by the BIN table, two upper-case letters (ISO 3166-1). " + noBIN, literal: countryLiteral,
			found:    ofBIN(func(b *topics.BIN) string { return b.Country }),
			setFound: func(e *topics.Enrichment, v string) { bin(e).Country = v }},
		{Name: "bin.issuer", Type: TypeText, Example: "Example Bank", Match: MatchIgnoreCase,
			Doc:      "The issuer's name, as it stands in the BIN table. " + noBIN,
			found:    ofBIN(func(b *topics.BIN) string { return b.Issuer }),
			setFound: func(e *topics.Enrichment, v string) { bin(e).Issuer = v }},
		{Name: "bin.risk", Type: TypeNumber, Example: "80",
			Doc: "The risk that the BIN table gives the card, a number from 1 to 100. " + noBIN,
			number: func(e *topics.Enrichment) int64 {
				if e.BIN == nil {
					return 0
				}
				return e.BIN.Risk
			},
			setFound: func(e *topics.Enrichment, v string) {
				bin(e).Risk, _ = strconv.ParseInt(v, 10, 64) // checked when the test was read
			}},
	}
}

// cardTypes are what card.type and bin.type may be.
var cardTypes = []string{"credit", "debit", "prepaid"}
