/** Field tables of the pool, its hosts, their networks and their storage. See datamodel.ts for the notation. */

/** One line a field: name, wire type, access, first release, default where it is not the type's empty value. */
export const classesOfHosts: Readonly<Record<string, string>> = {
  pool: `
    uuid                                   string                                  RO rio
    name_label                             string                                  RW rio
    name_description                       string                                  RW rio
    master                                 ref:host                                RO rio
    default_SR                             ref:SR                                  RW rio
    suspend_image_SR                       ref:SR                                  RW rio
    crash_dump_SR                          ref:SR                                  RW rio
    other_config                           map:string:string                       RW rio
    ha_enabled                             bool                                    RO orlando
    ha_configuration                       map:string:string                       RO orlando
    ha_statefiles                          set:string                              RO orlando
    ha_host_failures_to_tolerate           int                                     RA orlando
    ha_plan_exists_for                     int                                     RO orlando
    ha_allow_overcommit                    bool                                    RW orlando
    ha_overcommitted                       bool                                    RO orlando
    blobs                                  map:string:ref:blob                     RO orlando
    tags                                   set:string                              RW orlando
    gui_config                             map:string:string                       RW orlando
    health_check_config                    map:string:string                       RW dundee
    wlb_url                                string                                  RO george
    wlb_username                           string                                  RO george
    wlb_enabled                            bool                                    RW george
    wlb_verify_cert                        bool                                    RW george
    redo_log_enabled                       bool                                    RO midnight-ride
    redo_log_vdi                           ref:VDI                                 RO midnight-ride
    vswitch_controller                     string                                  RO midnight-ride
    restrictions                           map:string:string                       RO midnight-ride
    metadata_VDIs                          set:ref:VDI                             RO boston
    ha_cluster_stack                       string                                  RO dundee
    allowed_operations                     set:enum:pool_allowed_operations        RO rio
    current_operations                     map:string:enum:pool_allowed_operations RO rio
    guest_agent_config                     map:string:string                       RO dundee
    cpu_info                               map:string:string                       RO dundee
    policy_no_vendor_device                bool                                    RW dundee
    live_patching_disabled                 bool                                    RW ely
    igmp_snooping_enabled                  bool                                    RA inverness
    uefi_certificates                      string                                  RA quebec
    custom_uefi_certificates               string                                  RA 24.0.0
    is_psr_pending                         bool                                    RW stockholm_psr
    tls_verification_enabled               bool                                    RO 1.290.0
    repositories                           set:ref:Repository                      RA 1.301.0
    client_certificate_auth_enabled        bool                                    RO 1.318.0
    client_certificate_auth_name           string                                  RO 1.318.0
    repository_proxy_url                   string                                  RO 21.3.0
    repository_proxy_username              string                                  RO 21.3.0
    repository_proxy_password              ref:secret                              RO 21.3.0
    migration_compression                  bool                                    RW 22.33.0
    coordinator_bias                       bool                                    RW 22.37.0 true
    local_auth_max_threads                 int                                     RX 23.27.0 8
    ext_auth_max_threads                   int                                     RX 23.27.0 1
    ext_auth_cache_enabled                 bool                                    RA 24.31.0 true
    ext_auth_cache_size                    int                                     RA 24.31.0 50
    ext_auth_cache_expiry                  int                                     RA 24.31.0 300
    telemetry_uuid                         ref:secret                              RO 23.9.0
    telemetry_frequency                    enum:telemetry_frequency                RO 23.9.0 "weekly"
    telemetry_next_collection              datetime                                RA 23.9.0
    last_update_sync                       datetime                                RO 23.18.0
    update_sync_frequency                  enum:update_sync_frequency              RO 23.18.0 "weekly"
    update_sync_day                        int                                     RO 23.18.0
    update_sync_enabled                    bool                                    RA 23.18.0
    recommendations                        map:string:string                       RO 24.19.1
    license_server                         map:string:string                       RW 25.6.0
    ha_reboot_vm_on_internal_shutdown      bool                                    RW 25.16.0 true
    limit_console_sessions                 bool                                    RW 26.1.0
    vm_console_idle_timeout                int                                     RW 26.1.0
    auto_update_vm_secureboot_certificates bool                                    RW 26.16.1
  `,
  host: `
    uuid                               string                                   RO rio
    name_label                         string                                   RW rio
    name_description                   string                                   RW rio
    memory_overhead                    int                                      RO rio
    allowed_operations                 set:enum:host_allowed_operations         RO rio
    current_operations                 map:string:enum:host_allowed_operations  RO rio
    API_version_major                  int                                      RO rio
    API_version_minor                  int                                      RO rio
    API_version_vendor                 string                                   RO rio
    API_version_vendor_implementation  map:string:string                        RO rio
    enabled                            bool                                     RO rio
    software_version                   map:string:string                        RO rio
    other_config                       map:string:string                        RW rio
    capabilities                       set:string                               RO rio
    cpu_configuration                  map:string:string                        RO rio
    sched_policy                       string                                   RO rio
    supported_bootloaders              set:string                               RO rio
    resident_VMs                       set:ref:VM                               RO rio
    logging                            map:string:string                        RW rio
    PIFs                               set:ref:PIF                              RO rio
    suspend_image_sr                   ref:SR                                   RW rio
    crash_dump_sr                      ref:SR                                   RW rio
    crashdumps                         set:ref:host_crashdump                   RO rio
    patches                            set:ref:host_patch                       RO rio
    updates                            set:ref:pool_update                      RO ely
    PBDs                               set:ref:PBD                              RO rio
    host_CPUs                          set:ref:host_cpu                         RO rio
    cpu_info                           map:string:string                        RO midnight-ride
    hostname                           string                                   RW rio
    address                            string                                   RW rio
    metrics                            ref:host_metrics                         RO rio
    license_params                     map:string:string                        RA rio
    ha_statefiles                      set:string                               RO orlando
    ha_network_peers                   set:string                               RO orlando
    blobs                              map:string:ref:blob                      RO orlando
    tags                               set:string                               RW orlando
    external_auth_type                 string                                   RO george
    external_auth_service_name         string                                   RO george
    external_auth_configuration        map:string:string                        RO george
    edition                            string                                   RO midnight-ride
    license_server                     map:string:string                        RW midnight-ride {"address":"localhost","port":"27000"}
    bios_strings                       map:string:string                        RO midnight-ride
    power_on_mode                      string                                   RO midnight-ride
    power_on_config                    map:string:string                        RO midnight-ride
    local_cache_sr                     ref:SR                                   RO cowley
    chipset_info                       map:string:string                        RO boston
    PCIs                               set:ref:PCI                              RO boston
    PGPUs                              set:ref:PGPU                             RO boston
    PUSBs                              set:ref:PUSB                             RO inverness
    ssl_legacy                         bool                                     RA dundee true
    guest_VCPUs_params                 map:string:string                        RW tampa
    display                            enum:host_display                        RW cream "enabled"
    virtual_hardware_platform_versions set:int                                  RO cream [0]
    control_domain                     ref:VM                                   RO ely
    updates_requiring_reboot           set:ref:pool_update                      RO ely
    features                           set:ref:Feature                          RO falcon
    iscsi_iqn                          string                                   RA kolkata
    multipathing                       bool                                     RA kolkata
    uefi_certificates                  string                                   RA quebec
    certificates                       set:ref:Certificate                      RO stockholm
    editions                           set:string                               RO stockholm
    pending_guidances                  set:enum:update_guidances                RO 1.303.0
    tls_verification_enabled           bool                                     RO 1.313.0
    last_software_update               datetime                                 RO 22.20.0
    https_only                         bool                                     RA 22.27.0
    latest_synced_updates_applied      enum:latest_synced_updates_applied_state RO 23.18.0 "unknown"
    numa_affinity_policy               enum:host_numa_affinity_policy           RA 24.0.0 "default_policy"
    pending_guidances_recommended      set:enum:update_guidances                RO 24.10.0
    pending_guidances_full             set:enum:update_guidances                RO 24.10.0
    last_update_hash                   string                                   RO 24.10.0
    ssh_enabled                        bool                                     RO 25.21.0 true
    ssh_enabled_timeout                int                                      RA 25.21.0
    ssh_expiry                         datetime                                 RO 25.21.0
    console_idle_timeout               int                                      RA 25.21.0
    ssh_auto_mode                      bool                                     RA 25.27.0
    max_cstate                         string                                   RA 26.0.0
    secure_boot                        bool                                     RO 25.31.0
    ntp_mode                           enum:host_ntp_mode                       RA 26.0.0 "Factory"
    ntp_custom_servers                 set:string                               RA 26.0.0
    timezone                           string                                   RA 26.0.0 "UTC"
  `,
  host_metrics: `
    uuid         string            RO rio
    memory_total int               RO rio
    memory_free  int               RO rio removed
    live         bool              RO rio
    last_updated datetime          RO rio
    other_config map:string:string RW orlando
  `,
  host_cpu: `
    uuid         string            RO rio
    host         ref:host          RO rio
    number       int               RO rio
    vendor       string            RO rio
    speed        int               RO rio
    modelname    string            RO rio
    family       int               RO rio
    model        int               RO rio
    stepping     string            RO rio
    flags        string            RO rio
    features     string            RO rio
    utilisation  float             RO rio
    other_config map:string:string RW orlando
  `,
  network: `
    uuid                 string                             RO rio
    name_label           string                             RW rio
    name_description     string                             RW rio
    allowed_operations   set:enum:network_operations        RO rio
    current_operations   map:string:enum:network_operations RO rio
    VIFs                 set:ref:VIF                        RO rio
    PIFs                 set:ref:PIF                        RO rio
    MTU                  int                                RW midnight-ride 1500
    other_config         map:string:string                  RW rio
    bridge               string                             RO rio
    managed              bool                               RO falcon true
    blobs                map:string:ref:blob                RO orlando
    tags                 set:string                         RW orlando
    default_locking_mode enum:network_default_locking_mode  RA tampa "unlocked"
    assigned_ips         map:ref:VIF:string                 RO creedence
    purpose              set:enum:network_purpose           RO inverness
  `,
  PIF: `
    uuid                    string                       RO rio
    device                  string                       RO rio
    network                 ref:network                  RO rio
    host                    ref:host                     RO rio
    MAC                     string                       RO rio
    MTU                     int                          RO rio
    VLAN                    int                          RO rio
    metrics                 ref:PIF_metrics              RO rio
    physical                bool                         RO miami
    currently_attached      bool                         RO miami true
    ip_configuration_mode   enum:ip_configuration_mode   RO miami "None"
    IP                      string                       RO miami
    netmask                 string                       RO miami
    gateway                 string                       RO miami
    DNS                     string                       RO miami
    bond_slave_of           ref:Bond                     RO miami
    bond_master_of          set:ref:Bond                 RO miami
    VLAN_master_of          ref:VLAN                     RO miami
    VLAN_slave_of           set:ref:VLAN                 RO miami
    management              bool                         RO miami
    other_config            map:string:string            RW miami
    disallow_unplug         bool                         RA orlando
    tunnel_access_PIF_of    set:ref:tunnel               RO cowley
    tunnel_transport_PIF_of set:ref:tunnel               RO cowley
    ipv6_configuration_mode enum:ipv6_configuration_mode RO tampa "None"
    IPv6                    set:string                   RO tampa
    ipv6_gateway            string                       RO tampa
    primary_address_type    enum:primary_address_type    RA tampa "IPv4"
    managed                 bool                         RO vgpu-productisation true
    properties              map:string:string            RO creedence
    capabilities            set:string                   RO dundee
    igmp_snooping_status    enum:pif_igmp_status         RO inverness "unknown"
    sriov_physical_PIF_of   set:ref:network_sriov        RO kolkata
    sriov_logical_PIF_of    set:ref:network_sriov        RO kolkata
    PCI                     ref:PCI                      RO kolkata
  `,
  PIF_metrics: `
    uuid         string            RO rio
    io_read_kbs  float             RO rio removed
    io_write_kbs float             RO rio removed
    carrier      bool              RO rio
    vendor_id    string            RO rio
    vendor_name  string            RO rio
    device_id    string            RO rio
    device_name  string            RO rio
    speed        int               RO rio
    duplex       bool              RO rio
    pci_bus_path string            RO rio
    last_updated datetime          RO rio
    other_config map:string:string RW orlando
  `,
  SR: `
    uuid                 string                             RO rio
    name_label           string                             RA rio
    name_description     string                             RA rio
    allowed_operations   set:enum:storage_operations        RO rio
    current_operations   map:string:enum:storage_operations RO rio
    VDIs                 set:ref:VDI                        RO rio
    PBDs                 set:ref:PBD                        RO rio
    virtual_allocation   int                                RX rio
    physical_utilisation int                                RX rio
    physical_size        int                                RX rio
    type                 string                             RO rio
    content_type         string                             RO rio
    shared               bool                               RA rio
    other_config         map:string:string                  RW rio
    tags                 set:string                         RW orlando
    sm_config            map:string:string                  RW miami
    blobs                map:string:ref:blob                RO orlando
    local_cache_enabled  bool                               RO cowley
    introduced_by        ref:DR_task                        RO boston
    clustered            bool                               RO dundee
    is_tools_sr          bool                               RO dundee
  `,
  PBD: `
    uuid               string            RO rio
    host               ref:host          RO rio
    SR                 ref:SR            RO rio
    device_config      map:string:string RA rio
    currently_attached bool              RO rio
    other_config       map:string:string RW miami
  `,
};
