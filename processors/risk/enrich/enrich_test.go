package enrich

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go4.org/netipx"

	"github.com/weirhq/weir/topics"
)

// database writes a database in MaxMind's format, one record for each network.
func database(t *testing.T, kind string, records map[string]mmdbtype.DataType) []byte {
	t.Helper()
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: kind, RecordSize: 24, IncludeReservedNetworks: true,
		Description: map[string]string{"en": "for tests"}})
	if err != nil {
		t.Fatal(err)
	}
	for network, record := range records {
		if err := tree.Insert(netipx.PrefixIPNet(netip.MustParsePrefix(network)), record); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if _, err := tree.WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func country(code string) mmdbtype.DataType {
	return mmdbtype.Map{"country": mmdbtype.Map{"iso_code": mmdbtype.String(code)}}
}

func asn(number uint32) mmdbtype.DataType {
	return mmdbtype.Map{"autonomous_system_number": mmdbtype.Uint32(number)}
}

// world is a directory with the three files, good ones.
type world struct {
	dir   string
	files *Files
	r     *prometheus.Registry
}

func (w *world) config() Config {
	return Config{GeoIPASN: filepath.Join(w.dir, "asn.mmdb"), GeoIPCountry: filepath.Join(w.dir, "country.mmdb"),
		BINTable: filepath.Join(w.dir, "bins.csv"), Registerer: w.r}
}

func (w *world) write(t *testing.T, name string, data []byte) {
	t.Helper()
	next := filepath.Join(w.dir, name+".next")
	if err := os.WriteFile(next, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, filepath.Join(w.dir, name)); err != nil {
		t.Fatal(err)
	}
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{dir: t.TempDir(), r: prometheus.NewRegistry()}
	w.write(t, "asn.mmdb", database(t, "GeoLite2-ASN", map[string]mmdbtype.DataType{"203.0.113.0/24": asn(64500), "2001:db8::/32": asn(4_200_000_000)}))
	w.write(t, "country.mmdb", database(t, "GeoLite2-Country", map[string]mmdbtype.DataType{"203.0.113.0/24": country("DE"), "2001:db8::/32": country("FR")}))
	w.write(t, "bins.csv", []byte("from,country,risk\n411111,DE,\n511111,US,90\n511112,US,90\n511113,US,90\n"))
	var err error
	if w.files, err = Open(w.config()); err != nil {
		t.Fatal(err)
	}
	return w
}

func from(ip, bin string) *topics.Command {
	return &topics.Command{Context: &topics.Context{IP: ip}, Card: &topics.Card{BIN: bin}}
}

func TestFindSaysWhatTheFilesSay(t *testing.T) {
	w := newWorld(t)
	if err := w.files.Status(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		ip, bin string
		want    topics.Enrichment
	}{
		{"203.0.113.7", "411111", topics.Enrichment{ASN: "AS64500", IPCountry: "DE", BIN: &topics.BIN{Country: "DE"}}},
		{"::ffff:203.0.113.7", "", topics.Enrichment{ASN: "AS64500", IPCountry: "DE"}},
		{"2001:db8::1", "51111100", topics.Enrichment{ASN: "AS4200000000", IPCountry: "FR", BIN: &topics.BIN{Country: "US", Risk: 90}}},
		{"not an address", "411111", topics.Enrichment{BIN: &topics.BIN{Country: "DE"}}},
	} {
		got := w.files.Find(from(c.ip, c.bin))
		if got == nil || got.ASN != c.want.ASN || got.IPCountry != c.want.IPCountry || (got.BIN == nil) != (c.want.BIN == nil) ||
			got.BIN != nil && *got.BIN != *c.want.BIN {
			t.Errorf("%s, %s: %+v, want %+v", c.ip, c.bin, got, c.want)
		}
	}
	for _, c := range []*topics.Command{{}, from("198.51.100.1", "999999"), from("", "")} {
		if got := w.files.Find(c); got != nil {
			t.Errorf("%+v: %+v, want nothing", c, got)
		}
	}
}

func TestWithoutFilesNothingIsFound(t *testing.T) {
	files, err := Open(Config{})
	if err != nil || files.Status() != nil || files.Find(from("203.0.113.7", "411111")) != nil {
		t.Errorf("%v, %v", err, files.Status())
	}
	// Files that are configured and not there yet are told, and used once they are.
	w := &world{dir: t.TempDir(), r: prometheus.NewRegistry()}
	if files, err = Open(w.config()); err != nil {
		t.Fatal(err)
	}
	if err := files.Status(); err == nil || !strings.Contains(err.Error(), "risk.bin_table") || !strings.Contains(err.Error(), "risk.geoip_asn") {
		t.Errorf("status %v", err)
	}
	w.write(t, "bins.csv", []byte("from,country\n411111,DE\n"))
	if !files.bins.stale() {
		t.Error("the new file is not noticed")
	}
	files.bins.load()
	if got := files.Find(from("", "411111")); got == nil || got.BIN.Country != "DE" {
		t.Errorf("found %+v", got)
	}
}

// TestABadFileNeverReplacesAGoodOne: each bad file is refused with a reason, and what was good goes on to answer.
func TestABadFileNeverReplacesAGoodOne(t *testing.T) {
	asnFile := database(t, "GeoLite2-ASN", map[string]mmdbtype.DataType{"203.0.113.0/24": asn(64501)})
	countries := database(t, "GeoLite2-Country", map[string]mmdbtype.DataType{"203.0.113.0/24": country("US")})
	damaged := bytes.Clone(countries)
	damaged[len(damaged)/3] ^= 0xff
	for name, c := range map[string]struct {
		file string
		data []byte
		says string
	}{
		"empty":            {"country.mmdb", nil, "is empty"},
		"cut off":          {"country.mmdb", countries[:len(countries)-40], "not a whole database"},
		"cut in front":     {"country.mmdb", countries[len(countries)/2:], "country.mmdb"},
		"HTML":             {"country.mmdb", []byte("<html>quota exceeded</html>"), "not a whole database"},
		"damaged":          {"country.mmdb", damaged, "damaged"},
		"the other kind":   {"country.mmdb", asnFile, "want one with Country or City in its type"},
		"empty table":      {"bins.csv", []byte("from,country\n"), "the table is empty"},
		"a mistake in it":  {"bins.csv", []byte("from,country\n411111,DE\n411112,Germany\n"), "bins.csv:3:8"},
		"a range twice":    {"bins.csv", []byte("from,country\n411111,FR\n411111,DE\n"), "stands in line 2 already"},
		"shrunk":           {"bins.csv", []byte("from,country\n411111,FR\n"), "less than half"},
		"asn in place of":  {"asn.mmdb", countries, "want one with ASN or ISP in its type"},
		"the half of CSV":  {"bins.csv", []byte("from,country\n411111,DE\n511111,US\n51"), "values for 2 columns"},
		"nothing but junk": {"asn.mmdb", bytes.Repeat([]byte{0xAB}, 100_000), "not a whole database"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.write(t, c.file, c.data)
			w.files.networks.load()
			w.files.countries.load()
			w.files.bins.load()
			if err := w.files.Status(); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("status %v, want %q", err, c.says)
			}
			got := w.files.Find(from("203.0.113.7", "411111"))
			if got == nil || got.ASN != "AS64500" || got.IPCountry != "DE" || got.BIN == nil || got.BIN.Country != "DE" {
				t.Errorf("the last good files say %+v", got)
			}
			broken := 0.0
			for _, key := range []string{"risk.geoip_asn", "risk.geoip_country", "risk.bin_table"} {
				broken += testutil.ToFloat64(w.files.bins.metrics.broken.WithLabelValues(key))
			}
			if broken != 1 {
				t.Errorf("%v files are told broken, want 1", broken)
			}
		})
	}
}

// TestChangedFilesAreTakenUp runs the real watch.
func TestChangedFilesAreTakenUp(t *testing.T) {
	w := newWorld(t)
	done := make(chan struct{})
	go func() { w.files.Watch(t.Context()); close(done) }()
	t.Cleanup(func() { <-done })
	w.write(t, "country.mmdb", database(t, "GeoLite2-City", map[string]mmdbtype.DataType{"203.0.113.0/24": country("US"), "2001:db8::/32": country("FR")}))
	deadline := time.After(30 * time.Second)
	for w.files.Find(from("203.0.113.7", "")).IPCountry != "US" {
		select {
		case <-deadline:
			t.Fatalf("the new file is not used: %v", w.files.Status())
		case <-time.After(10 * time.Millisecond):
		}
	}
}
