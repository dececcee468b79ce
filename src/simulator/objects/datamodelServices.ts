/** Field tables of people and what they may, and of services on top of a pool. See datamodel.ts for the notation. */

/** One line a field: name, wire type, access, first release, default where it is not the type's empty value. */
export const classesOfServices: Readonly<Record<string, string>> = {
  subject: `
    uuid               string            RO rio
    subject_identifier string            RO george
    other_config       map:string:string RO george
    roles              set:ref:role      RO midnight-ride
  `,
  role: `
    uuid             string       RO rio
    name_label       string       RO midnight-ride
    name_description string       RO midnight-ride
    subroles         set:ref:role RO midnight-ride
    is_internal      bool         RO 22.5.0
  `,
  secret: `
    uuid         string            RO rio
    value        string            RW rio
    other_config map:string:string RW rio
  `,
  Certificate: `
    uuid               string                       RO stockholm
    name               string                       RO 1.294.0
    type               enum:certificate_type        RO 1.294.0   "host"
    host               ref:host                     RO stockholm
    not_before         datetime                     RO stockholm
    not_after          datetime                     RO stockholm
    fingerprint        string                       RO stockholm
    fingerprint_sha256 string                       RO 24.20.0
    fingerprint_sha1   string                       RO 24.20.0
    purpose            set:enum:certificate_purpose RO 26.13.0
  `,
  Caller: `
    uuid             string         RO 26.17.0
    name_label       string         RW 26.17.0
    name_description string         RW 26.17.0
    user_agent       string         RO 26.17.0
    client_ip        string         RO 26.17.0
    last_access      datetime       RO 26.17.0
    groups           set:string     RO 26.17.0
    rate_limit       ref:Rate_limit RO 26.17.0
    auto_registered  bool           RO 26.17.0
  `,
  Rate_limit: `
    uuid             string         RO 26.17.0
    name_label       string         RW 26.17.0
    name_description string         RW 26.17.0
    callers          set:ref:Caller RO 26.17.0
    burst_size       float          RW 26.17.0
    fill_rate        float          RW 26.17.0
  `,
  VMSS: `
    uuid               string              RO falcon
    name_label         string              RW falcon
    name_description   string              RW falcon
    enabled            bool                RW falcon
    type               enum:vmss_type      RW falcon
    retained_snapshots int                 RW falcon
    frequency          enum:vmss_frequency RW falcon
    schedule           map:string:string   RW falcon
    last_run_time      datetime            RW falcon
    VMs                set:ref:VM          RO falcon
  `,
  VM_appliance: `
    uuid               string                                 RO rio
    name_label         string                                 RW rio
    name_description   string                                 RW rio
    allowed_operations set:enum:vm_appliance_operation        RO rio
    current_operations map:string:enum:vm_appliance_operation RO rio
    VMs                set:ref:VM                             RO rio
  `,
  DR_task: `
    uuid           string     RO boston
    introduced_SRs set:ref:SR RO boston
  `,
  PVS_site: `
    uuid             string                    RO ely
    name_label       string                    RW ely
    name_description string                    RW ely
    PVS_uuid         string                    RW ely
    cache_storage    set:ref:PVS_cache_storage RO ely
    servers          set:ref:PVS_server        RO ely
    proxies          set:ref:PVS_proxy         RO ely
  `,
  PVS_server: `
    uuid       string       RO ely
    addresses  set:string   RO ely
    first_port int          RO ely
    last_port  int          RO ely
    site       ref:PVS_site RO ely
  `,
  PVS_proxy: `
    uuid               string                RO ely
    site               ref:PVS_site          RO ely
    VIF                ref:VIF               RO ely
    currently_attached bool                  RO ely
    status             enum:pvs_proxy_status RO ely
  `,
  PVS_cache_storage: `
    uuid string       RO ely
    host ref:host     RO ely
    SR   ref:SR       RO ely
    site ref:PVS_site RO ely
    size int          RO ely 21474836480
    VDI  ref:VDI      RO ely
  `,
  SDN_controller: `
    uuid     string                       RO falcon
    protocol enum:sdn_controller_protocol RO falcon
    address  string                       RO falcon
    port     int                          RO falcon
  `,
  Cluster: `
    uuid                      string                            RO kolkata
    cluster_hosts             set:ref:Cluster_host              RO kolkata
    pending_forget            set:string                        RO lima
    cluster_token             string                            RO kolkata
    cluster_stack             string                            RO kolkata "corosync"
    cluster_stack_version     int                               RO 24.15.0 2
    is_quorate                bool                              RO 24.3.0
    quorum                    int                               RO 24.3.0
    live_hosts                int                               RO 24.3.0
    expected_hosts            int                               RO 25.17.0
    allowed_operations        set:enum:cluster_operation        RO kolkata
    current_operations        map:string:enum:cluster_operation RO kolkata
    pool_auto_join            bool                              RO kolkata true
    token_timeout             float                             RO kolkata 1
    token_timeout_coefficient float                             RO kolkata 0.65
    cluster_config            map:string:string                 RO kolkata
    other_config              map:string:string                 RW kolkata
  `,
  Cluster_host: `
    uuid               string                                 RO kolkata
    cluster            ref:Cluster                            RO kolkata
    host               ref:host                               RO kolkata
    enabled            bool                                   RO kolkata
    PIF                ref:PIF                                RO kolkata
    joined             bool                                   RO kolkata true
    live               bool                                   RO 24.3.0
    last_update_live   datetime                               RO 24.3.0
    allowed_operations set:enum:cluster_host_operation        RO kolkata
    current_operations map:string:enum:cluster_host_operation RO kolkata
    other_config       map:string:string                      RO kolkata
  `,
};
