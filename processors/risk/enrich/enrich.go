package enrich

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync"

	"github.com/oschwald/maxminddb-golang/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/weirhq/weir/internal/filewatch"
	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

// Config names the files; "" for those that there are not.
type Config struct {
	GeoIPASN, GeoIPCountry, BINTable string
	Log                              *slog.Logger
	Registerer                       prometheus.Registerer // nil for none
}

// Files are the data files of a process. They may be used by several goroutines at once.
type Files struct {
	networks  file[*maxminddb.Reader]
	countries file[*maxminddb.Reader]
	bins      file[*rules.BINTable]
}

// Open reads the files. One that is not there or broken is no error: what it would say is missing until it is good.
func Open(c Config) (*Files, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	m, err := newMetrics(c.Registerer)
	if err != nil {
		return nil, err
	}
	readBINs := func(path string, data []byte) (content[*rules.BINTable], error) {
		table, err := rules.ParseBINTable(path, data)
		if err != nil {
			return content[*rules.BINTable]{}, err
		}
		return content[*rules.BINTable]{value: table, size: table.Len()}, nil
	}
	f := &Files{
		networks:  file[*maxminddb.Reader]{key: "risk.geoip_asn", path: c.GeoIPASN, read: readGeoIP("ASN", "ISP"), log: c.Log, metrics: m},
		countries: file[*maxminddb.Reader]{key: "risk.geoip_country", path: c.GeoIPCountry, read: readGeoIP("Country", "City"), log: c.Log, metrics: m},
		bins:      file[*rules.BINTable]{key: "risk.bin_table", path: c.BINTable, read: readBINs, log: c.Log, metrics: m},
	}
	for _, without := range []struct{ key, path, fields string }{
		{f.networks.key, f.networks.path, "ip.asn"}, {f.countries.key, f.countries.path, "ip.country"}, {f.bins.key, f.bins.path, "bin.*"},
	} {
		if without.path == "" {
			c.Log.Info("rules do without what a data file would say", "missing", without.fields, "key", without.key)
		}
	}
	f.networks.load()
	f.countries.load()
	f.bins.load()
	return f, nil
}

// Find is what the files say of a command, nil where they say nothing.
func (f *Files) Find(c *topics.Command) *topics.Enrichment {
	var e topics.Enrichment
	if c.Context != nil && c.Context.IP != "" {
		if a, err := netip.ParseAddr(c.Context.IP); err == nil {
			a = a.Unmap().WithZone("")
			if db := f.networks.current.Load(); db != nil {
				e.ASN = networkOf(db.value, a)
			}
			if db := f.countries.current.Load(); db != nil {
				e.IPCountry = countryOf(db.value, a)
			}
		}
	}
	if table := f.bins.current.Load(); table != nil && c.Card != nil {
		e.BIN = table.value.Lookup(c.Card.BIN)
	}
	if e == (topics.Enrichment{}) {
		return nil
	}
	return &e
}

// Status is why a file on disk is not in use, nil where all that are configured are.
func (f *Files) Status() error {
	return errors.Join(f.networks.status(), f.countries.status(), f.bins.status())
}

// Watch takes changed files into use until the context ends.
func (f *Files) Watch(ctx context.Context) {
	var group sync.WaitGroup
	for _, w := range []filewatch.Watch{f.networks.watch(), f.countries.watch(), f.bins.watch()} {
		group.Go(func() { w.Run(ctx) })
	}
	group.Wait()
}
