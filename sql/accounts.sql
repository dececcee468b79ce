-- The accounts of the programs and of dashboards, each with the rights it needs and no others. Run it after
-- `xcp-manager schema install`, by an administrator of the server, and again after an upgrade that adds tables:
--
--   sed -e 's/{database}/Xen/; s/{accountHost}/%/' \
--       -e 's/{collectUser}/xcp_collect/; s/{collectPassword}/.../' \
--       -e 's/{managerUser}/xcp_manager/; s/{managerPassword}/.../' \
--       -e 's/{controlUser}/xcp_control/; s/{controlPassword}/.../' \
--       -e 's/{wlbUser}/xcp_wlb/; s/{wlbPassword}/.../' \
--       -e 's/{readerUser}/xcp_reader/; s/{readerPassword}/.../' accounts.sql | mysql -u root -p
--
-- (write the passwords in place by an editor rather than on a command line that others can see: docs/install.md; fill in all
-- five, since what is left as it stands here everybody knows). {accountHost} is the
-- address the programs connect from; % is any. Add REQUIRE SSL to each account where the network is not trusted, and
-- MysqlCaFile to the settings. An account that exists keeps its password.
-- Creating tables is for whoever runs `xcp-manager schema install`; none of these may.

CREATE USER IF NOT EXISTS '{collectUser}'@'{accountHost}' IDENTIFIED BY '{collectPassword}';
CREATE USER IF NOT EXISTS '{managerUser}'@'{accountHost}' IDENTIFIED BY '{managerPassword}';
CREATE USER IF NOT EXISTS '{controlUser}'@'{accountHost}' IDENTIFIED BY '{controlPassword}';
CREATE USER IF NOT EXISTS '{readerUser}'@'{accountHost}' IDENTIFIED BY '{readerPassword}';
CREATE USER IF NOT EXISTS '{wlbUser}'@'{accountHost}' IDENTIFIED BY '{wlbPassword}';

-- collect writes what it saw of the pool, and nothing else.
GRANT SELECT ON `{database}`.SchemaVersion TO '{collectUser}'@'{accountHost}';
GRANT SELECT, INSERT, UPDATE, DELETE ON `{database}`.Host TO '{collectUser}'@'{accountHost}';
GRANT SELECT, INSERT, UPDATE, DELETE ON `{database}`.Vm TO '{collectUser}'@'{accountHost}';
GRANT SELECT, INSERT, UPDATE, DELETE ON `{database}`.Map TO '{collectUser}'@'{accountHost}';
GRANT SELECT, INSERT, UPDATE, DELETE ON `{database}`.HostDetail TO '{collectUser}'@'{accountHost}';
GRANT SELECT, INSERT, UPDATE, DELETE ON `{database}`.VmDetail TO '{collectUser}'@'{accountHost}';
GRANT SELECT, INSERT, UPDATE, DELETE ON `{database}`.VmBar TO '{collectUser}'@'{accountHost}';
GRANT SELECT, INSERT, UPDATE, DELETE ON `{database}`.Pool TO '{collectUser}'@'{accountHost}';
GRANT SELECT, INSERT ON `{database}`.Collection TO '{collectUser}'@'{accountHost}';
GRANT SELECT, UPDATE ON `{database}`.CollectionHead TO '{collectUser}'@'{accountHost}';
GRANT SELECT, INSERT, UPDATE, DELETE ON `{database}`.VmArrival TO '{collectUser}'@'{accountHost}';
GRANT SELECT, INSERT, DELETE ON `{database}`.HostSample TO '{collectUser}'@'{accountHost}';
GRANT SELECT, INSERT, DELETE ON `{database}`.CollectionPicture TO '{collectUser}'@'{accountHost}';
GRANT SELECT, INSERT, UPDATE, DELETE ON `{database}`.ProgramRun TO '{collectUser}'@'{accountHost}';
GRANT SELECT, INSERT, UPDATE ON `{database}`.RunCount TO '{collectUser}'@'{accountHost}';
GRANT SELECT, INSERT, UPDATE, DELETE ON `{database}`.Told TO '{collectUser}'@'{accountHost}';
-- It deletes what is too old.
GRANT SELECT, DELETE ON `{database}`.ObservedAction TO '{collectUser}'@'{accountHost}';
-- What enabled rules name is measured too, and warned of where no host has it.
GRANT SELECT (Subject) ON `{database}`.HostRule TO '{collectUser}'@'{accountHost}';
GRANT SELECT ON `{database}`.AddedRule TO '{collectUser}'@'{accountHost}';
GRANT SELECT ON `{database}`.RuleTerm TO '{collectUser}'@'{accountHost}';
GRANT SELECT, INSERT, UPDATE, DELETE ON `{database}`.HostMeasure TO '{collectUser}'@'{accountHost}';
GRANT SELECT, INSERT, UPDATE, DELETE ON `{database}`.VmMeasure TO '{collectUser}'@'{accountHost}';
GRANT SELECT, INSERT, UPDATE, DELETE ON `{database}`.VmDemand TO '{collectUser}'@'{accountHost}';

-- manager shows everything, keeps the rules, and says when and what control leaves alone.
GRANT SELECT ON `{database}`.* TO '{managerUser}'@'{accountHost}';
GRANT INSERT, DELETE ON `{database}`.HostRule TO '{managerUser}'@'{accountHost}';
GRANT INSERT, UPDATE, DELETE ON `{database}`.AddedRule TO '{managerUser}'@'{accountHost}';
GRANT INSERT, DELETE ON `{database}`.RuleTerm TO '{managerUser}'@'{accountHost}';
GRANT INSERT ON `{database}`.RuleHistory TO '{managerUser}'@'{accountHost}';
GRANT UPDATE ON `{database}`.RuleHead TO '{managerUser}'@'{accountHost}';
GRANT UPDATE ON `{database}`.Pause TO '{managerUser}'@'{accountHost}';
GRANT INSERT, UPDATE, DELETE ON `{database}`.Exclusion TO '{managerUser}'@'{accountHost}';

-- control plans from what is stored, and keeps a record of what it does; it changes neither pictures nor rules.
GRANT SELECT ON `{database}`.* TO '{controlUser}'@'{accountHost}';
GRANT UPDATE ON `{database}`.Lease TO '{controlUser}'@'{accountHost}';
GRANT INSERT, UPDATE ON `{database}`.Migration TO '{controlUser}'@'{accountHost}';
GRANT UPDATE ON `{database}`.Breaker TO '{controlUser}'@'{accountHost}';
GRANT INSERT, UPDATE ON `{database}`.HostSight TO '{controlUser}'@'{accountHost}';
GRANT INSERT, UPDATE, DELETE ON `{database}`.FruitlessSearch TO '{controlUser}'@'{accountHost}';
GRANT INSERT, UPDATE ON `{database}`.HostRest TO '{controlUser}'@'{accountHost}';
GRANT INSERT ON `{database}`.HostRestEvent TO '{controlUser}'@'{accountHost}';
GRANT INSERT, UPDATE, DELETE ON `{database}`.ProgramRun TO '{controlUser}'@'{accountHost}';
GRANT INSERT, UPDATE ON `{database}`.ObservedAction TO '{controlUser}'@'{accountHost}';
GRANT INSERT, UPDATE ON `{database}`.RunCount TO '{controlUser}'@'{accountHost}';
GRANT INSERT, UPDATE, DELETE ON `{database}`.Told TO '{controlUser}'@'{accountHost}';
GRANT UPDATE ON `{database}`.WlbAdvice TO '{controlUser}'@'{accountHost}';
GRANT UPDATE ON `{database}`.WlbHostAdvice TO '{controlUser}'@'{accountHost}';

-- wlb answers pools from what is stored, and writes what they configure and what it recommends.
GRANT SELECT ON `{database}`.* TO '{wlbUser}'@'{accountHost}';
GRANT INSERT, UPDATE, DELETE ON `{database}`.WlbPool TO '{wlbUser}'@'{accountHost}';
GRANT INSERT, UPDATE, DELETE ON `{database}`.WlbConfiguration TO '{wlbUser}'@'{accountHost}';
GRANT INSERT, UPDATE, DELETE ON `{database}`.WlbAdvice TO '{wlbUser}'@'{accountHost}';
GRANT INSERT, UPDATE, DELETE ON `{database}`.WlbHostAdvice TO '{wlbUser}'@'{accountHost}';

-- reader is for dashboards (docs/monitoring.md): it sees the views, and no table behind them.
GRANT SELECT ON `{database}`.v_pool TO '{readerUser}'@'{accountHost}';
GRANT SELECT ON `{database}`.v_host TO '{readerUser}'@'{accountHost}';
GRANT SELECT ON `{database}`.v_vm TO '{readerUser}'@'{accountHost}';
GRANT SELECT ON `{database}`.v_host_load TO '{readerUser}'@'{accountHost}';
GRANT SELECT ON `{database}`.v_collection TO '{readerUser}'@'{accountHost}';
GRANT SELECT ON `{database}`.v_migration TO '{readerUser}'@'{accountHost}';
GRANT SELECT ON `{database}`.v_run TO '{readerUser}'@'{accountHost}';
GRANT SELECT ON `{database}`.v_run_count TO '{readerUser}'@'{accountHost}';
GRANT SELECT ON `{database}`.v_observed TO '{readerUser}'@'{accountHost}';
GRANT SELECT ON `{database}`.v_host_power TO '{readerUser}'@'{accountHost}';
GRANT SELECT ON `{database}`.v_rule_change TO '{readerUser}'@'{accountHost}';
GRANT SELECT ON `{database}`.v_control TO '{readerUser}'@'{accountHost}';
