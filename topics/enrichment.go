package topics

// Enrichment is what data files said of a command's IP address and BIN when it was assessed. It is kept with the decision,
// so that the decision can be recomputed without the files. What was not found is empty.
type Enrichment struct {
	ASN       string `json:"asn,omitempty"`        // the network of the IP address, such as AS64500
	IPCountry string `json:"ip_country,omitempty"` // of the IP address, ISO 3166-1 alpha-2
	BIN       *BIN   `json:"bin,omitempty"`
}

// BIN is what the BIN table says of a card.
type BIN struct {
	Scheme  string `json:"scheme,omitempty"`  // lower case
	Brand   string `json:"brand,omitempty"`   // the product, lower case
	Type    string `json:"type,omitempty"`    // credit, debit or prepaid
	Country string `json:"country,omitempty"` // of the issuer, ISO 3166-1 alpha-2
	Issuer  string `json:"issuer,omitempty"`
	Risk    int64  `json:"risk,omitempty"` // 1 to 100; 0: the table says nothing
}
