-- What Tidings needs of Prosody 0.12 or later: a pubsub service where its account may create nodes. To be merged into
-- /etc/prosody/prosody.cfg.lua; `prosodyctl check config` looks it over.
--
--   prosodyctl adduser feeds@example.org

Component "pubsub.example.org" "pubsub"
	-- Only these may create nodes. Others can still be made publishers of single nodes by their owners.
	admins = { "feeds@example.org" }
	-- The most items that a node can keep. Tidings asks for as many as there may be; the default is 256.
	pubsub_max_items = 1000
	-- Subscribers see which account published an item.
	expose_publisher = true
	-- What chat clients show that know no pubsub: title and link. Without it Prosody makes a line without a link, and for
	-- nodes of the first type only.
	pubsub_summary_templates = {
		["http://www.w3.org/2005/Atom"] = "{title}{link@href|and{\n{link@href}}}";
		["urn:xmpp:pubsub-social-feed:1"] = "{title}{link@href|and{\n{link@href}}}";
	}

-- Items are kept in Prosody's own files by default, which takes about a millisecond more for each item that a node holds. On
-- a busy server keep them in SQLite (package lua-dbi-sqlite3); these two lines stand at the top of the file, before any host:
--
--   storage = { pubsub_data = "sql", pep_data = "sql" }
--   sql = { driver = "SQLite3", database = "prosody.sqlite" }
--
-- Debian's configuration limits clients to 10 kB a second (mod_limits), about five entries: a first contact takes its time. It
-- is not an error, and nothing needs to be changed.
